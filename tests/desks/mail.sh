#!/bin/bash
# Installs and runs a real IMAP and SMTP server (Debian 12's Dovecot and Exim) on loopback for tests.
#
#   mail.sh install         as root: the packages, no service of the distribution's own
#   mail.sh start DIR       two mailboxes in DIR (ours, in DIR/ours, and the partner's, in DIR/partner) and DIR/desk.env
#   mail.sh stop DIR        ends what start started; the mails stay and start finds them again
#
# Exim keeps mails for *@example.org and *@partner.example in the two mailboxes and refuses every other address; it takes
# mails by STARTTLS or in the open, after a login. Dovecot shows the mailbox that is ours, in the open or by STARTTLS.
. "$(dirname "$(readlink -f "$0")")/common.sh"

install() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' dovecot-imapd 2>/dev/null)" = installed ] &&
    [ -x /usr/sbin/exim4 ] && return 0
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  apt-get install -y -q --no-install-recommends dovecot-imapd exim4-daemon-light procps openssl
}

start() {
  DIR=$(readlink -m "$1") IMAP_PORT=$(free_port 18143) SMTP_PORT=$(free_port 18025)
  mkdir -p "$DIR"/{log,run,state,spool/input,spool/db,spool/msglog} "$DIR"/{ours,partner}/{new,cur,tmp} \
    "$DIR"/ours/.Sent/{new,cur,tmp}
  touch "$DIR/ours/.Sent/maildirfolder"
  [ -e "$DIR/password" ] || od -An -N12 -tx1 /dev/urandom | tr -d ' \n' >"$DIR/password"
  [ -e "$DIR/cert.pem" ] || openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj /CN=localhost \
    -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE \
    -keyout "$DIR/key.pem" -out "$DIR/cert.pem" 2>"$DIR/log/cert.log"
  PASSWORD=$(cat "$DIR/password")
  write_dovecot
  write_exim
  # With a configuration of its own Exim gives up root and delivers as its own user only.
  chown -R Debian-exim:Debian-exim "$DIR"/{ours,partner,spool,log}
  chmod 755 "$DIR"
  chmod 644 "$DIR/key.pem"
  /usr/sbin/dovecot -F -c "$DIR/dovecot.conf" >"$DIR/log/dovecot.out" 2>&1 </dev/null &
  echo "dovecot $!" >>"$DIR/pids"
  /usr/sbin/exim4 -C "$DIR/exim.conf" -bdf -oX "127.0.0.1.$SMTP_PORT" >"$DIR/log/exim.out" 2>&1 </dev/null &
  echo "exim $!" >>"$DIR/pids"
  wait_port "$IMAP_PORT" 20 && wait_port "$SMTP_PORT" 20
  cat >"$DIR/desk.env" <<ENV
MAIL_IMAP_PORT=$IMAP_PORT
MAIL_SMTP_PORT=$SMTP_PORT
MAIL_USER=tickets@example.org
MAIL_PASSWORD=$PASSWORD
MAIL_INBOX=$DIR/ours
MAIL_PARTNER=$DIR/partner
MAIL_SPOOL=$DIR/spool/input
MAIL_CERTIFICATE=$DIR/cert.pem
ENV
  echo "The mail servers are up: $DIR/desk.env"
}

wait_port() {
  local tries=$(($2 * 10))
  for ((; tries > 0; tries--)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return 0
    sleep 0.1
  done
  echo "nobody listens on port $1; see $DIR/log" >&2
  return 1
}

write_dovecot() {
  echo "tickets@example.org:{PLAIN}$PASSWORD" >"$DIR/users"
  cat >"$DIR/dovecot.conf" <<CONF
base_dir = $DIR/run
state_dir = $DIR/state
log_path = $DIR/log/dovecot.log
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <$DIR/cert.pem
ssl_key = <$DIR/key.pem
disable_plaintext_auth = no
mail_location = maildir:$DIR/ours
mail_uid = Debian-exim
mail_gid = Debian-exim
first_valid_uid = 1
first_valid_gid = 1
auth_mechanisms = plain login
passdb {
  driver = passwd-file
  args = $DIR/users
}
userdb {
  driver = static
  args = uid=Debian-exim gid=Debian-exim home=$DIR/ours
}
service imap-login {
  inet_listener imap {
    port = $IMAP_PORT
  }
  inet_listener imaps {
    port = 0
  }
}
namespace inbox {
  inbox = yes
}
CONF
}

write_exim() {
  cat >"$DIR/exim.conf" <<CONF
primary_hostname = localhost
spool_directory = $DIR/spool
log_file_path = $DIR/log/exim.%slog
pid_file_path = $DIR/run/exim.pid
tls_certificate = $DIR/cert.pem
tls_privatekey = $DIR/key.pem
tls_advertise_hosts = *
daemon_smtp_ports = $SMTP_PORT
never_users =
acl_smtp_rcpt = rcpt
message_size_limit = 20M
smtp_accept_max = 50
smtp_accept_queue_per_connection = 1000
timezone = UTC

begin acl
rcpt:
  deny message = log in
       !authenticated = *
  accept domains = example.org : partner.example
  deny message = nobody of that name

begin routers
known:
  driver = accept
  domains = example.org : partner.example
  transport = folder

begin transports
folder:
  driver = appendfile
  maildir_format
  directory = \${if eq{\$domain}{example.org}{$DIR/ours}{$DIR/partner}}
  user = Debian-exim
  group = Debian-exim
  delivery_date_add
  envelope_to_add
  return_path_add

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = \${if and{{eq{\$auth2}{tickets@example.org}}{eq{\$auth3}{$PASSWORD}}}}
  server_set_id = \$auth2
CONF
}

case "${1:-}" in
install) install ;;
start) start "$2" ;;
stop) stop_desk "$(readlink -m "$2")" ;;
*)
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac

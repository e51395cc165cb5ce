#!/bin/bash
# Installs and runs a real Znuny 6.5 (Debian 12's backports, non-free; PostgreSQL, starman) on loopback for tests.
#
#   znuny.sh install            as root: its dependencies and, unpacked to /opt/znuny, the application; nothing started
#   znuny.sh start DIR [PORT]   a private copy, its database and DIR/desk.env (default: the first free port from 18581 on)
#   znuny.sh stop DIR           ends what start started; the data stay and start finds them again
#
# WEBHOOK_URL, if set on the first start, is where ticket events go, with the token of desk.env in the header
# X-Throughline-Token.
. "$(dirname "$(readlink -f "$0")")/common.sh"

UNPACKED=/opt/znuny
SOURCE=$UNPACKED/usr/share/otrs
POSTGRES=/usr/lib/postgresql/15/bin

install() {
  [ -e "$UNPACKED/.ok" ] && type eatmydata starman >/dev/null 2>&1 && return 0
  export DEBIAN_FRONTEND=noninteractive
  local mirror version needed here
  # Where this machine gets its packages from; Znuny is in other parts of the same archive.
  mirror=$(sed -n 's#^URIs: \(.*/debian\)/*$#\1#p' /etc/apt/sources.list.d/debian.sources | head -n 1)
  {
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm contrib non-free"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror bookworm-backports main contrib non-free"
  } >/etc/apt/sources.list.d/desk-znuny.list
  apt-get update -q
  # No database of the distribution's own.
  mkdir -p /etc/postgresql-common/createcluster.d
  echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/desk-znuny.conf
  version=$(apt-cache madison otrs2 | awk '/bookworm-backports/{print $3; exit}')
  needed=$(apt-cache show "otrs2=$version" | sed -n 's/^Depends: //p' | tr ',' '\n' |
    grep -vE 'apache|dbconfig|ucf|adduser|debconf|fonts-' | paste -sd,)
  # librest-client-perl is needed by the REST transport and missing from the package's own dependencies.
  apt-get satisfy -y -q --no-install-recommends "$needed, postgresql-15, starman, libplack-perl, \
libcgi-emulate-psgi-perl, libdbd-pg-perl, libjson-perl, librest-client-perl, curl, procps, eatmydata"
  # Unpacked instead of installed: its postinst wants apache2, dbconfig and a running service manager.
  here=$(mktemp -d)
  (cd "$here" && apt-get download -q "otrs2=$version" && dpkg-deb -x otrs2_*.deb "$UNPACKED")
  rm -rf "$here"
  touch "$UNPACKED/.ok"
}

# as USER COMMAND...: Znuny and PostgreSQL refuse to run as root.
as() {
  local user=$1
  shift
  setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME="$DIR" "$@"
}

start() {
  DIR=$(readlink -m "$1") PORT=${2:-$(free_port 18581)}
  APP=$DIR/app DATABASE_PORT=$(free_port $((PORT + 1000)))
  id otrs >/dev/null 2>&1 || useradd --system --home-dir /nonexistent --gid www-data --shell /bin/bash otrs
  mkdir -p "$DIR/log"
  chmod 755 "$DIR"
  if [ ! -e "$DIR/keys" ]; then
    rm -rf "$APP" "$DIR/database"
    /usr/bin/install -d -o postgres "$DIR/database"
    as postgres "$POSTGRES/initdb" -D "$DIR/database" -A trust -U otrs -E UTF8 --locale=C.UTF-8 >"$DIR/log/initdb.log" 2>&1
    copy_application
    start_database
    prepare >"$DIR/log/init.log" 2>&1 || {
      tail -20 "$DIR/log/init.log" >&2
      return 1
    }
  else
    start_database
    # The database may have another port than before.
    sed -i "s/host=127.0.0.1;port=[0-9]*/host=127.0.0.1;port=$DATABASE_PORT/" "$APP/Kernel/Config.pm"
  fi
  cd "$APP"
  as otrs eatmydata starman --listen "127.0.0.1:$PORT" --workers 2 --max-requests 100000 "$APP/bin/cgi-bin/app.psgi" \
    >"$DIR/log/server.log" 2>&1 </dev/null &
  echo "starman $!" >>"$DIR/pids"
  wait_http "http://127.0.0.1:$PORT/otrs/nph-genericinterface.pl/Webservice/Throughline/Session" 60 '^[24]|^500'
  { echo "ZNUNY_URL=http://127.0.0.1:$PORT"; cat "$DIR/keys"; } >"$DIR/desk.env"
  echo "Znuny is up: $DIR/desk.env"
}

start_database() {
  as postgres eatmydata "$POSTGRES/postgres" -D "$DIR/database" -p "$DATABASE_PORT" -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync=off -c synchronous_commit=off -c shared_buffers=64MB \
    >"$DIR/log/database.log" 2>&1 </dev/null &
  echo "postgres $!" >>"$DIR/pids"
  local tries
  for ((tries = 100; tries > 0; tries--)); do
    "$POSTGRES/pg_isready" -q -h 127.0.0.1 -p "$DATABASE_PORT" && return 0
    sleep 0.1
  done
  tail -20 "$DIR/log/database.log" >&2
  return 1
}

copy_application() {
  mkdir -p "$APP"
  cp -aL "$SOURCE/bin" "$SOURCE/scripts" "$SOURCE/RELEASE" "$APP/"
  cp -a "$SOURCE/Kernel" "$APP/"
  cp -a "$UNPACKED/var/lib/otrs" "$APP/var"
  rm -f "$APP/var/run" "$APP/var/spool" "$APP/Kernel/Config.pm" "$APP/Kernel/Config/GenericAgent.pm"
  mkdir -p "$APP"/var/{run,spool,log,sessions,article,tmp,Config/Backups} "$APP/Custom"
  ln -sfn ../../var/Config/Files "$APP/Kernel/Config/Files"
  ln -sfn ../../var/Config/Backups "$APP/Kernel/Config/Backups"
  cat >"$APP/Kernel/Config.pm" <<PERL
package Kernel::Config;
use strict;
use warnings;
use utf8;

sub Load {
    my \$Self = shift;
    \$Self->{DatabaseUser} = 'otrs';
    \$Self->{DatabasePw} = 'x';
    \$Self->{DatabaseDSN} = 'DBI:Pg:dbname=otrs;host=127.0.0.1;port=$DATABASE_PORT;';
    \$Self->{Home} = '$APP';
    \$Self->{SecureMode} = 1;
    \$Self->{FQDN} = '127.0.0.1:$PORT';
    \$Self->{HttpType} = 'http';
    \$Self->{SystemID} = 10;
    \$Self->{SendmailModule} = 'Kernel::System::Email::DoNotSendEmail';
    \$Self->{CheckMXRecord} = 0;
    \$Self->{CheckEmailAddresses} = 0;
    \$Self->{OTRSTimeZone} = 'UTC';
    \$Self->{UserDefaultTimeZone} = 'UTC';
    \$Self->{LogModule} = 'Kernel::System::Log::File';
    \$Self->{'LogModule::LogFile'} = '$DIR/log/znuny.log';
    \$Self->{'CloudServices::Disabled'} = 1;
    \$Self->{AgentSessionPerUserLimit} = 0;
    \$Self->{AgentSessionLimit} = 0;
    return 1;
}
use Kernel::Config::Defaults;
use parent qw(Kernel::Config::Defaults);
1;
PERL
  chown -R otrs:www-data "$APP" "$DIR/log"
}

console() { as otrs "$APP/bin/otrs.Console.pl" "$@" --no-ansi; }

# People, a queue, the dynamic fields for marker and counterpart, and the example web service as it comes.
prepare() {
  local sql="$POSTGRES/psql -q -v ON_ERROR_STOP=1 -h 127.0.0.1 -p $DATABASE_PORT -U otrs" part token
  $sql -d postgres -c 'create database otrs owner otrs'
  for part in schema initial_insert schema-post; do
    $sql -d otrs -f "$APP/scripts/database/$part.postgresql.sql"
  done
  console Maint::Config::Rebuild
  console Admin::Group::Add --name agents
  console Admin::User::Add --user-name fedbot --first-name Federation --last-name Bot \
    --email-address fedbot@desk.example --password fedbot-pass1 --group agents --group users
  console Admin::User::Add --user-name dana --first-name Dana --last-name Agent \
    --email-address dana@desk.example --password dana-pass1 --group agents --group users
  console Admin::Queue::Add --name Federated --group agents
  console Admin::CustomerUser::Add --user-name carol --first-name Carol --last-name Customer \
    --email-address carol@partner.example --customer-id partner --password carol-pass1
  cat >"$DIR/fields.pl" <<PERL
use lib '$APP', '$APP/Kernel/cpan-lib', '$APP/Custom';
use Kernel::System::ObjectManager;
local \$Kernel::OM = Kernel::System::ObjectManager->new('Kernel::System::Log' => { LogPrefix => 'desk' });
my \$order = 1;
for my \$name (qw(ThroughlineMarker Counterpart Site)) {
    \$Kernel::OM->Get('Kernel::System::DynamicField')->DynamicFieldAdd(
        Name => \$name, Label => \$name, FieldOrder => \$order++, FieldType => 'Text', ObjectType => 'Ticket',
        Config => { DefaultValue => '' }, ValidID => 1, UserID => 1,
    ) || die "no field \$name";
}
PERL
  as otrs perl "$DIR/fields.pl"
  token=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  write_service "$token"
  console Admin::WebService::Add --name Throughline --source-path "$DIR/service.yml"
  console Maint::Cache::Delete
  printf 'ZNUNY_USER=fedbot\nZNUNY_PASSWORD=fedbot-pass1\nZNUNY_AGENT=dana\nZNUNY_AGENT_PASSWORD=dana-pass1\n' >"$DIR/keys"
  printf 'ZNUNY_SERVICE=Throughline\nZNUNY_QUEUE=Federated\nZNUNY_CUSTOMER=carol\n' >>"$DIR/keys"
  printf 'ZNUNY_WEBHOOK_TOKEN=%s\nZNUNY_WEBHOOK_URL=%s\n' "$token" "${WEBHOOK_URL:-}" >>"$DIR/keys"
}

write_service() {
  cp "$UNPACKED/var/lib/otrs/webservices/examples/GenericTicketConnectorREST.yml" "$DIR/service.yml"
  [ -n "${WEBHOOK_URL:-}" ] || return 0
  local event path=${WEBHOOK_URL#http://*/}
  sed -i '/^Requester:/,$d' "$DIR/service.yml"
  {
    printf 'Requester:\n  Invoker:\n    TicketEvent:\n      Description: webhook\n      Events:\n'
    for event in TicketCreate ArticleCreate TicketStateUpdate TicketPriorityUpdate TicketQueueUpdate TicketTitleUpdate TicketMerge; do
      printf "      - Asynchronous: '0'\n        Condition: {}\n        Event: %s\n" "$event"
    done
    printf '      MappingInbound: {}\n      MappingOutbound: {}\n      Type: Ticket::Generic\n'
    printf '  Transport:\n    Config:\n      AdditionalHeaders:\n        X-Throughline-Token: %s\n' "$1"
    printf '      DefaultCommand: POST\n      Host: %s\n' "${WEBHOOK_URL%"/$path"}"
    printf "      InvokerControllerMapping:\n        TicketEvent:\n          Command: POST\n          Controller: /%s\n" "$path"
    printf "      Timeout: '5'\n    Type: HTTP::REST\n"
  } >>"$DIR/service.yml"
}

case "${1:-}" in
install) install ;;
start) start "${@:2}" ;;
stop) stop_desk "$(readlink -m "$2")" ;;
*)
  sed -n '2,11s/^# \{0,1\}//p' "$0" >&2
  exit 2
  ;;
esac

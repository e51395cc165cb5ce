#!/bin/bash
# Runs a real Request Tracker 5 for tests, from Debian's packages, on loopback, everything it writes in one directory.
#
#   request-tracker.sh install           install the packages where they are absent (needs root)
#   request-tracker.sh start DIR [PORT]  start one on 127.0.0.1:PORT (the first free one from 18181 on); what a test
#                                        needs is in DIR/desk.env
#   request-tracker.sh stop DIR          end what was started for DIR
#
# RT_WORKERS (2)       server processes
# RT_BCRYPT_COST (4)   every request with a token pays one bcrypt; RT's own default is 12, about 220 ms of processor time
# WEBHOOK_URL          where given on the first start, a scrip posts every transaction there, with the static token of
#                      desk.env in the header X-Throughline-Token
. "$(dirname "$(readlink -f "$0")")/common.sh"

server=/usr/share/request-tracker5/libexec/rt-server

install_packages() {
  [ -x $server ] && type rt-setup-database-5 curl ps eatmydata >/dev/null 2>&1 && return 0
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  # The tests make a database of their own per directory; dbconfig would ask for a shared one.
  echo 'request-tracker5 request-tracker5/dbconfig-install boolean false' | debconf-set-selections
  apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-unsafe-io \
    request-tracker5 rt5-db-sqlite rt5-standalone curl procps eatmydata
}

write_configuration() {
  mkdir -p "$dir"/{mason_data,session_data,log,gpg,smime} "$RT_SITE_CONFIG_DIR"
  cat > "$RT_SITE_CONFIG" <<P
use utf8;
\$RT::MasonDataDir    = '$dir/mason_data';
\$RT::MasonSessionDir = '$dir/session_data';
\$RT::VarPath         = '$dir';
Set(\$rtname, 'desk-rt'); Set(\$Organization, 'rt.desk.test');
Set(\$WebDomain, '127.0.0.1'); Set(\$WebPort, $port); Set(\$WebPath, '');
Set(\$CanonicalizeRedirectURLs, 0);
Set(\$DatabaseType, 'SQLite'); Set(\$DatabaseName, '$dir/rt.sqlite');
Set(\$Timezone, 'UTC');
# Mail goes to a file in DIR, never out.
Set(\$MailCommand, 'mbox');
Set(\$LogToSyslog, ''); Set(\$LogToSTDERR, ''); Set(\$LogToFile, 'info');
Set(\$LogDir, '$dir/log'); Set(\$LogToFileNamed, 'rt.log'); Set(\$StatementLog, '');
Set(%GnuPG, Enable => 0); Set(%SMIME, Enable => 0);
Set(\$BcryptCost, ${RT_BCRYPT_COST:-4});
Set(\$MaxAttachmentSize, 20*1024*1024);
Set(\$WebFlushDbCacheEveryRequest, 1);
Set(\$RestrictReferrer, 0);
1;
P
}

# The queue, its staff, the account of the bridge, custom fields, and the scrip that is RT's webhook.
write_seed() {
  cat > "$dir/seed.initialdata" <<'P'
our (@Queues, @Users, @Groups, @ACL, @Scrips, @CustomFields);
@Queues = ({ Name => 'Federated', Description => 'tickets shared with partners',
             CorrespondAddress => 'fed@rt.desk.test', CommentAddress => 'fed-comment@rt.desk.test' },
           { Name => 'Private', Description => 'nobody but root sees this' });
@CustomFields = map +{ Name => $_->[0], Type => $_->[1], LookupType => 'RT::Queue-RT::Ticket', Queue => 'Federated' },
  [ 'Site', 'FreeformSingle' ], [ 'Areas', 'FreeformMultiple' ], [ 'Throughline marker', 'FreeformSingle' ],
  [ 'Partner ticket', 'FreeformSingle' ];
@Users  = ({ Name => 'bridge', EmailAddress => 'bridge@rt.desk.test', RealName => 'Bridge', Password => 'bridge-pass', Privileged => 1 },
           { Name => 'alice',  EmailAddress => 'alice@rt.desk.test',  RealName => 'Alice Agent', Password => 'alice-pass', Privileged => 1 });
@Groups = ({ Domain => 'UserDefined', Name => 'Agents', Description => 'helpdesk staff',
             Members => { Users => [qw(bridge alice)] } });
@ACL = ( (map +{ GroupDomain => 'UserDefined', GroupId => 'Agents', Queue => 'Federated', Right => $_ },
           qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ReplyToTicket CommentOnTicket ModifyTicket OwnTicket TakeTicket
              Watch WatchAsAdminCc SeeCustomField ModifyCustomField ShowOutgoingEmail)),
         (map +{ GroupDomain => 'UserDefined', GroupId => 'Agents', Right => $_ },
           qw(ManageAuthTokens ModifySelf SeeGroup ShowUserHistory)) );
if (my $hook = $ENV{WEBHOOK_URL}) {
  my $token = $ENV{WEBHOOK_TOKEN};
  push @Scrips, { Description => 'webhook', Queue => 'Federated', ScripCondition => 'On Transaction', ScripAction => 'User Defined',
    Template => 'Blank', Stage => 'TransactionBatch',
    CustomPrepareCode => 'return 1;',
    CustomCommitCode  => q{
      require LWP::UserAgent; require JSON;
      my ($t, $x) = ($self->TicketObj, $self->TransactionObj);
      my $body = JSON::encode_json({ ticket => 0+$t->id, transaction => 0+$x->id, type => $x->Type });
      LWP::UserAgent->new( timeout => 3 )->post( '} . $hook . q{', 'Content-Type' => 'application/json',
        'X-Throughline-Token' => '} . $token . q{', Content => $body );
      return 1; } };
}
1;
P
}

fill_database() {
  local log=$dir/log/init.log
  WEBHOOK_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  export WEBHOOK_TOKEN
  printf 'RT_WEBHOOK_TOKEN=%s\nRT_WEBHOOK_URL=%s\n' "$WEBHOOK_TOKEN" "${WEBHOOK_URL:-}" > "$dir/webhook"
  eatmydata rt-setup-database-5 --action init --skip-create --dba '' --dba-password '' > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
  write_seed
  eatmydata rt-setup-database-5 --action insert --datafile "$dir/seed.initialdata" --dba '' --dba-password '' >> "$log" 2>&1 \
    || { cat "$log" >&2; exit 1; }
  # RT stores tokens hashed and tells them once, here.
  perl -I/usr/share/request-tracker5/lib -e '
    use RT -init; my $u = RT::CurrentUser->new;
    for my $n (qw(root bridge alice)) {
      $u->Load($n); my $t = RT::AuthToken->new(RT->SystemUser);
      my ($id, $msg, $s) = $t->Create(Owner => $u->id, Description => "tests"); die "$n: $msg" unless $id;
      print uc($n), "_TOKEN=$s\n" }' > "$dir/tokens"
}

token() { sed -n "s/^$1_TOKEN=//p" "$dir/tokens"; }

start() {
  dir=$(readlink -m "$1") port=${2:-$(free_port 18181)}
  mkdir -p "$dir"
  export RT_SITE_CONFIG=$dir/RT_SiteConfig.pm RT_SITE_CONFIG_DIR=$dir/RT_SiteConfig.d
  write_configuration
  [ -s "$dir/tokens" ] || fill_database
  eatmydata $server --host 127.0.0.1 --port "$port" --max-workers "${RT_WORKERS:-2}" > "$dir/log/server.log" 2>&1 < /dev/null &
  echo "rt-server $!" >> "$dir/pids"
  wait_http "http://127.0.0.1:$port/REST/2.0/rt" 60 '^401$'
  cat > "$dir/desk.env" <<P
DESK_KIND=request-tracker
RT_URL=http://127.0.0.1:$port
RT_TOKEN=$(token BRIDGE)
RT_AGENT_TOKEN=$(token ALICE)
RT_ROOT_TOKEN=$(token ROOT)
RT_QUEUE=Federated
RT_MARKER_FIELD='Throughline marker'
RT_LINK_FIELD='Partner ticket'
$(cat "$dir/webhook")
P
  echo "Request Tracker answers on http://127.0.0.1:$port; see $dir/desk.env"
}

case "${1:-}" in
  install) install_packages ;;
  start) start "${2:?start needs a directory}" "${3:-}" ;;
  stop) stop_desk "$(readlink -m "${2:?stop needs a directory}")" ;;
  *) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

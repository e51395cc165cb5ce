#!/bin/bash
# Installs and runs a real Redmine (Debian 12's package, SQLite, Puma) on loopback for tests.
#
#   redmine.sh install            as root: the packages, no service, no instance of the distribution's own
#   redmine.sh start DIR [PORT]   a private copy of the application, its data and DIR/desk.env (default: the first
#                                 free port from 18281 on)
#   redmine.sh stop DIR           ends what start started; the data stay and start finds them again
#
# WEBHOOK_URL, if set on the first start, adds a plugin that posts each committed issue and journal there, with
# the static token of desk.env in the header X-Throughline-Token: Redmine itself has no webhooks.
. "$(dirname "$(readlink -f "$0")")/common.sh"

install() {
  [ "$(dpkg-query -W -f '${db:Status-Status}' redmine 2>/dev/null)" = installed ] &&
    type eatmydata >/dev/null 2>&1 && return 0
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -q
  echo 'redmine redmine/instances/default/dbconfig-install boolean false' | debconf-set-selections
  # Debian 12's security update of ruby3.1 carries a newer bundler that shadows the patched ruby-bundler and takes
  # the distribution's gems for missing; redmine's postinst fails unless the patched version is named.
  BUNDLER_VERSION=$(apt-cache show ruby-bundler | sed -n 's/^Version: \([0-9.]*\)-.*/\1/p' | head -1)
  export BUNDLER_VERSION
  apt-get install -y -q --no-install-recommends redmine redmine-sqlite puma curl procps eatmydata
}

bundle() { command eatmydata bundle "$@"; }

start() {
  DIR=$(readlink -m "$1") PORT=${2:-$(free_port 18281)}
  APP=$DIR/app
  export RAILS_ENV=production REDMINE_LANG=en SCHEMA=/dev/null RUBYOPT=-W0 TZ=UTC PORT DIR
  BUNDLER_VERSION=$(dpkg-query -W -f '${Version}' ruby-bundler | sed 's/-.*//')
  export BUNDLER_VERSION BUNDLE_GEMFILE=$APP/Gemfile
  mkdir -p "$DIR/log"
  if [ ! -e "$DIR/keys" ]; then
    copy_application
    cd "$APP"
    { prepare_database && bundle exec rails runner "$DIR/seed.rb"; } >"$DIR/log/init.log" 2>&1 || {
      tail -20 "$DIR/log/init.log" >&2
      return 1
    }
  fi
  cd "$APP"
  # One thread: SQLite has one writer, and Rails answers 500 where two meet.
  eatmydata bundle exec puma -e production -b "tcp://127.0.0.1:$PORT" -t 1:1 -w 0 config.ru \
    >"$DIR/log/server.log" 2>&1 </dev/null &
  echo "puma $!" >>"$DIR/pids"
  wait_http "http://127.0.0.1:$PORT/users/current.json" 90 '^401$'
  { echo "REDMINE_URL=http://127.0.0.1:$PORT"; cat "$DIR/keys"; } >"$DIR/desk.env"
  echo "Redmine is up: $DIR/desk.env"
}

copy_application() {
  rm -rf "$APP"
  # Some links of the package lead nowhere until an instance exists; what they stand for is made below.
  cp -aL /usr/share/redmine "$APP" 2>/dev/null || true
  rm -rf "$APP/instances" "$APP/Gemfile.lock" "$APP/config/database.yml"
  mkdir -p "$APP"/{files,log,tmp/pids,plugins,public/plugin_assets,instances} "$DIR/mail"
  # Debian keeps data under instances/<tenant>: let that be this copy.
  ln -s .. "$APP/instances/default"
  sed -i "s#/usr/share/redmine/{config,instances/\*/config}/database.yml#$APP/config/database.yml#" "$APP/Gemfile"
  echo "gem 'puma'" >"$APP/Gemfile.local"
  printf 'production:\n  adapter: sqlite3\n  database: %s/redmine.sqlite3\n  timeout: 20000\n' "$DIR" \
    >"$APP/config/database.yml"
  printf 'production:\n  email_delivery:\n    delivery_method: :file\n    file_settings:\n      location: %s/mail\n  attachments_storage_path: %s/files\n' \
    "$DIR" "$APP" >"$APP/config/configuration.yml"
  WEBHOOK_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  export WEBHOOK_TOKEN
  write_seed
  if [ -n "${WEBHOOK_URL:-}" ]; then write_plugin; fi
}

prepare_database() {
  bundle install --local --quiet &&
    bundle exec rake generate_secret_token &&
    bundle exec rake db:migrate &&
    bundle exec rake redmine:load_default_data
}

# People, a project, fields for marker and counterpart, and a tracker whose workflow knows single steps only.
write_seed() {
  cat >"$DIR/seed.rb" <<'RUBY'
Setting.rest_api_enabled = '1'
Setting.login_required = '1'
Setting.host_name = "127.0.0.1:#{ENV['PORT']}"
Setting.notified_events = []

def person(login, first, last)
  user = User.new(firstname: first, lastname: last, mail: "#{login}@desk.example", status: 1, language: 'en')
  user.login = login
  user.password = user.password_confirmation = "#{login}-pass1"
  user.mail_notification = 'none'
  user.save!
  user
end

admin = User.find_by_login('admin')
admin.password = admin.password_confirmation = 'admin-pass1'
admin.must_change_passwd = false
admin.save!
bot = person('fedbot', 'Federation', 'Bot')
agent = person('bob', 'Bob', 'Agent')
reporter = person('eve', 'Eve', 'Reporter')

manager = Role.find_by_name('Manager')
manager.add_permission!(:view_private_notes, :set_notes_private, :edit_issue_notes, :edit_own_issue_notes)

bug = Tracker.find_by_name('Bug')
steps = Tracker.create!(name: 'Stepwise', default_status: IssueStatus.find_by_name('New'))
names = ['New', 'In Progress', 'Resolved', 'Closed']
Role.givable.each do |role|
  names.each_cons(2) do |from, to|
    from, to = IssueStatus.find_by_name(from), IssueStatus.find_by_name(to)
    WorkflowTransition.create!(tracker_id: steps.id, role_id: role.id, old_status_id: from.id, new_status_id: to.id)
  end
end

project = Project.new(name: 'Federated', identifier: 'federated', is_public: false)
project.enabled_module_names = %w(issue_tracking)
project.trackers = Tracker.all.to_a
project.save!
Member.create!(user: bot, project: project, roles: [manager])
Member.create!(user: agent, project: project, roles: [manager])
Member.create!(user: reporter, project: project, roles: [Role.find_by_name('Reporter')])
# Where our account cannot see, for issues that are moved away.
elsewhere = Project.new(name: 'Elsewhere', identifier: 'elsewhere', is_public: false)
elsewhere.enabled_module_names = %w(issue_tracking)
elsewhere.trackers = Tracker.all.to_a
elsewhere.save!
Member.create!(user: agent, project: elsewhere, roles: [manager])
IssueCategory.create!(project: project, name: 'Network')
Version.create!(project: project, name: '1.0')

def field(name, more = {})
  IssueCustomField.create!({ name: name, field_format: 'string', is_for_all: true, is_filter: true,
                             trackers: Tracker.all.to_a }.merge(more))
end
field('Throughline marker')
field('Counterpart')
field('Site')
field('Impact', field_format: 'list', possible_values: %w(minor major))
field('Areas', field_format: 'list', possible_values: %w(lan wan wifi), multiple: true)

File.write("#{ENV['DIR']}/keys", <<KEYS)
REDMINE_KEY=#{bot.api_key}
REDMINE_AGENT_KEY=#{agent.api_key}
REDMINE_REPORTER_KEY=#{reporter.api_key}
REDMINE_ADMIN_KEY=#{admin.api_key}
REDMINE_PROJECT=federated
REDMINE_TRACKER=#{bug.name}
REDMINE_STEP_TRACKER=#{steps.name}
REDMINE_MARKER_FIELD='Throughline marker'
REDMINE_LINK_FIELD=Counterpart
REDMINE_WEBHOOK_TOKEN=#{ENV['WEBHOOK_TOKEN']}
REDMINE_WEBHOOK_URL=#{ENV['WEBHOOK_URL']}
KEYS
RUBY
}

write_plugin() {
  mkdir -p "$APP/plugins/throughline_webhook"
  cat >"$APP/plugins/throughline_webhook/init.rb" <<RUBY
require 'net/http'
require 'json'
Redmine::Plugin.register(:throughline_webhook) { name 'Throughline webhook'; author 'Throughline'; version '1' }
module ThroughlineWebhook
  ADDRESS = URI('$WEBHOOK_URL')
  HEADERS = { 'Content-Type' => 'application/json', 'X-Throughline-Token' => '$WEBHOOK_TOKEN' }.freeze

  def self.post(body)
    Thread.new do
      Net::HTTP.start(ADDRESS.host, ADDRESS.port, open_timeout: 2, read_timeout: 3) do |http|
        http.post(ADDRESS.path, body.to_json, HEADERS)
      end
    rescue StandardError => e
      Rails.logger.warn("webhook not delivered: \#{e.class}")
    end
  end
end
Rails.application.config.after_initialize do
  Issue.after_commit(on: [:create]) { ThroughlineWebhook.post(event: 'issue.created', issue: id) }
  Journal.after_commit(on: [:create]) { ThroughlineWebhook.post(event: 'issue.updated', issue: journalized_id) }
end
RUBY
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

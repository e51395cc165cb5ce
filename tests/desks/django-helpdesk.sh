#!/bin/bash
# Installs and runs a real django-helpdesk (PyPI, SQLite, gunicorn, OAuth 2 tokens) on loopback for tests.
#
#   django-helpdesk.sh install            as root: a virtual environment in $DESK_VENVS (/opt/desks), nothing started
#   django-helpdesk.sh start DIR [PORT]   the site, its data and DIR/desk.env (default: the first free port from 18481 on)
#   django-helpdesk.sh stop DIR           ends what start started; the data stay and start finds them again
#
# WEBHOOK_URL, if set on the first start, is where its own webhooks go, with the token of desk.env as their query.
# TOKEN_SECONDS (60) is how long an access token is good.
. "$(dirname "$(readlink -f "$0")")/common.sh"

VENV=${DESK_VENVS:-/opt/desks}/django-helpdesk

install() {
  [ -x "$VENV/bin/gunicorn" ] && return 0
  python3 -m venv "$VENV" 2>/dev/null || {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends python3-venv curl procps
    python3 -m venv "$VENV"
  }
  "$VENV/bin/pip" install -q --disable-pip-version-check 'django-helpdesk==2.6.1' 'django-oauth-toolkit==3.4.1' 'gunicorn>=23'
}

start() {
  DIR=$(readlink -m "$1") PORT=${2:-$(free_port 18481)}
  export DIR PORT PYTHONPATH=$DIR/site DJANGO_SETTINGS_MODULE=desksite
  export TOKEN_SECONDS=${TOKEN_SECONDS:-60}
  mkdir -p "$DIR/site" "$DIR/log" "$DIR/media"
  if [ ! -e "$DIR/keys" ]; then
    WEBHOOK_TOKEN=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    export WEBHOOK_TOKEN
    if [ -n "${WEBHOOK_URL:-}" ]; then
      printf 'export HELPDESK_NEW_TICKET_WEBHOOK_URLS=%s HELPDESK_FOLLOWUP_WEBHOOK_URLS=%s\n' \
        "$WEBHOOK_URL?token=$WEBHOOK_TOKEN" "$WEBHOOK_URL?token=$WEBHOOK_TOKEN" >"$DIR/webhooks"
    fi
    write_site
    rm -f "$DIR"/db.sqlite3*
    cd "$DIR/site"
    {
      "$VENV/bin/django-admin" migrate --noinput &&
        "$VENV/bin/django-admin" shell -c "exec(open('seed.py').read())"
    } >"$DIR/log/init.log" 2>&1 || {
      tail -20 "$DIR/log/init.log" >&2
      return 1
    }
  fi
  if [ -e "$DIR/webhooks" ]; then . "$DIR/webhooks"; fi
  cd "$DIR/site"
  "$VENV/bin/gunicorn" -b "127.0.0.1:$PORT" -w 2 --no-control-socket deskwsgi:application \
    >"$DIR/log/server.log" 2>&1 </dev/null &
  echo "gunicorn $!" >>"$DIR/pids"
  wait_http "http://127.0.0.1:$PORT/api/tickets/" 60 '^401$'
  { echo "DJANGO_URL=http://127.0.0.1:$PORT"; cat "$DIR/keys"; } >"$DIR/desk.env"
  echo "django-helpdesk is up: $DIR/desk.env"
}

write_site() {
  cat >"$DIR/site/desksite.py" <<PYTHON
import os
from pathlib import Path

HERE = Path('$DIR')
SECRET_KEY = '$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')'
DEBUG = False
ALLOWED_HOSTS = ['127.0.0.1']
ROOT_URLCONF = 'deskurls'
USE_TZ = True
TIME_ZONE = 'UTC'
SITE_ID = 1
INSTALLED_APPS = [
    'django.contrib.admin', 'django.contrib.auth', 'django.contrib.contenttypes', 'django.contrib.sessions',
    'django.contrib.messages', 'django.contrib.staticfiles', 'django.contrib.sites', 'django.contrib.humanize',
    'helpdesk', 'rest_framework', 'rest_framework.authtoken', 'oauth2_provider',
    'django_cleanup.apps.CleanupConfig',
]
MIDDLEWARE = [
    'django.middleware.security.SecurityMiddleware', 'django.contrib.sessions.middleware.SessionMiddleware',
    'django.middleware.common.CommonMiddleware', 'django.contrib.auth.middleware.AuthenticationMiddleware',
    'django.contrib.messages.middleware.MessageMiddleware',
]
TEMPLATES = [{
    'BACKEND': 'django.template.backends.django.DjangoTemplates', 'APP_DIRS': True,
    'OPTIONS': {'context_processors': [
        'django.template.context_processors.request', 'django.contrib.auth.context_processors.auth',
        'django.contrib.messages.context_processors.messages',
    ]},
}]
DATABASES = {'default': {
    'ENGINE': 'django.db.backends.sqlite3', 'NAME': HERE / 'db.sqlite3',
    'OPTIONS': {'timeout': 20, 'transaction_mode': 'IMMEDIATE', 'init_command': 'PRAGMA journal_mode=WAL;'},
}}
DEFAULT_AUTO_FIELD = 'django.db.models.BigAutoField'
MEDIA_ROOT, MEDIA_URL = HERE / 'media', '/media/'
STATIC_ROOT, STATIC_URL = HERE / 'static', '/static/'
EMAIL_BACKEND, EMAIL_FILE_PATH = 'django.core.mail.backends.filebased.EmailBackend', HERE / 'mail'
LOGIN_URL = '/login/'
HELPDESK_TEAMS_MODE_ENABLED = False
HELPDESK_ACTIVATE_API_ENDPOINT = True
HELPDESK_REDIRECT_TO_LOGIN_BY_DEFAULT = True
HELPDESK_VALID_EXTENSIONS = ['.txt', '.bin', '.dat', '.log']
REST_FRAMEWORK = {'DEFAULT_AUTHENTICATION_CLASSES': [
    'oauth2_provider.contrib.rest_framework.OAuth2Authentication',
    'rest_framework.authentication.TokenAuthentication',
]}
OAUTH2_PROVIDER = {
    'ACCESS_TOKEN_EXPIRE_SECONDS': int(os.environ['TOKEN_SECONDS']), 'REFRESH_TOKEN_EXPIRE_SECONDS': 3600,
    'ROTATE_REFRESH_TOKEN': True, 'REFRESH_TOKEN_REUSE_PROTECTION': True,
    'SCOPES': {'read': 'read', 'write': 'write'}, 'PKCE_REQUIRED': False,
}
LOGGING = {'version': 1, 'disable_existing_loggers': False,
           'handlers': {'console': {'class': 'logging.StreamHandler'}},
           'root': {'handlers': ['console'], 'level': 'WARNING'}}
PYTHON
  cat >"$DIR/site/deskurls.py" <<'PYTHON'
from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.static import serve

urlpatterns = [
    path('admin/', admin.site.urls),
    path('o/', include('oauth2_provider.urls', namespace='oauth2_provider')),
    path('media/<path:path>', serve, {'document_root': settings.MEDIA_ROOT}),
    path('', include('helpdesk.urls', namespace='helpdesk')),
]
PYTHON
  cat >"$DIR/site/deskwsgi.py" <<'PYTHON'
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
PYTHON
  # Our account, a person who works at the desk past it, a queue, and the OAuth client.
  cat >"$DIR/site/seed.py" <<'PYTHON'
import os
from django.contrib.auth import get_user_model
from helpdesk.models import Queue
from oauth2_provider.models import Application
from rest_framework.authtoken.models import Token

people = get_user_model().objects
bot = people.create_user('fedbot', 'fedbot@desk.example', 'fedbot-pass1', is_staff=True)
hal = people.create_user('hal', 'hal@desk.example', 'hal-pass1', is_staff=True)
queue = Queue.objects.create(title='Federated', slug='fed', allow_public_submission=False)
Application.objects.create(
    name='throughline', client_id='throughline', client_secret='client-secret-1', client_type='confidential',
    authorization_grant_type='password', user=bot)
with open(os.environ['DIR'] + '/keys', 'w') as keys:
    keys.write('DJANGO_USER=fedbot\nDJANGO_PASSWORD=fedbot-pass1\n')
    keys.write('DJANGO_CLIENT_ID=throughline\nDJANGO_CLIENT_SECRET=client-secret-1\n')
    keys.write('DJANGO_AGENT_TOKEN=%s\n' % Token.objects.create(user=hal).key)
    keys.write('DJANGO_QUEUE=%d\n' % queue.id)
    keys.write('DJANGO_WEBHOOK_TOKEN=%s\n' % os.environ['WEBHOOK_TOKEN'])
    keys.write('DJANGO_WEBHOOK_URL=%s\n' % os.environ.get('WEBHOOK_URL', ''))
PYTHON
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

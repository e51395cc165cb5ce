# Shared by the scripts that run real desks for tests. Sourced, never run.
#
# A running desk lives whole in one directory DIR:
#   DIR/desk.env   what a test needs to reach it: addresses, keys, names
#   DIR/pids       one "name pid" a line: every process started for it
#   DIR/log/       what those processes said
#
# A desk's programs run under eatmydata: what a test leaves behind need not outlive a power cut, and a desk that does
# not wait for the disk answers several times as fast.
set -euo pipefail
export LC_ALL=C.UTF-8

# wait_http URL SECONDS REGEX: returns once URL answers with a status that matches.
wait_http() {
  local url=$1 tries=$(($2 * 10)) wanted=$3 code=none
  for ((; tries > 0; tries--)); do
    code=$(curl -s -o /dev/null -m 5 -w '%{http_code}' "$url" || true)
    [[ $code =~ $wanted ]] && return 0
    sleep 0.1
  done
  echo "no answer like $wanted from $url; the last status was $code" >&2
  return 1
}

# free_port FROM: the first port from FROM on where nobody listens, so that two of one kind run side by side. Below those
# that the system gives to whoever asks for any (32768 on), so that nobody takes it before it is used.
free_port() {
  local port=$1
  while (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; do port=$((port + 1)); done
  echo "$port"
}

# with_children PID: the process and all that descend from it.
with_children() {
  local child
  echo "$1"
  for child in $(ps -o pid= --ppid "$1" 2>/dev/null); do with_children "$child"; done
}

# stop_desk DIR: ends the processes recorded there and their children, nothing else.
stop_desk() {
  local name pid all="" tries
  [ -f "$1/pids" ] || return 0
  while read -r name pid; do all="$all $(with_children "$pid" | tr '\n' ' ')"; done < <(tac "$1/pids")
  kill $all 2>/dev/null || true
  for ((tries = 100; tries > 0; tries--)); do
    kill -0 $all 2>/dev/null || break
    sleep 0.1
  done
  kill -9 $all 2>/dev/null || true
  rm -f "$1/pids"
}

#!/bin/sh
# Installs the control plane on this host: binary, user, settings, unit. Safe to run again.
set -eu

usage() {
    cat <<'TEXT'
Installs the acp control plane on this host and starts it.

usage: install.sh [--root FOLDER] [--no-start] [BINARY]

  BINARY         the acp binary (default: ./acp)
  --root FOLDER  install below FOLDER instead of /: nothing is started, no user is made
  --no-start     do not enable and start the service
  --help         this text

An /etc/acp/control.toml that is there already is left as it is.
TEXT
}

root='' start=yes binary=./acp
while [ $# -gt 0 ]; do
    case $1 in
    --help) usage; exit 0 ;;
    --no-start) start=no ;;
    --root) root=${2:?--root needs a folder} start=no; shift ;;
    -*) usage >&2; exit 2 ;;
    *) binary=$1 ;;
    esac
    shift
done
here=$(dirname "$0")

if [ ! -f "$binary" ]; then
    echo "install.sh: no binary at \`$binary\`" >&2
    exit 1
fi
if [ -z "$root" ] && [ "$(id -u)" -ne 0 ]; then
    echo 'install.sh: only root can install into /; see --help' >&2
    exit 1
fi

if [ -z "$root" ] && ! id acp-control >/dev/null 2>&1; then
    useradd --system --user-group --no-create-home --home-dir /var/lib/acp-control \
        --shell /usr/sbin/nologin acp-control
fi
# A running binary cannot be written, but it can be replaced.
install -D -m 0755 "$binary" "$root/usr/local/bin/acp.new"
mv "$root/usr/local/bin/acp.new" "$root/usr/local/bin/acp"
install -D -m 0644 "$here/acp-control.service" "$root/etc/systemd/system/acp-control.service"
if [ ! -e "$root/etc/acp/control.toml" ]; then
    install -D -m 0640 "$here/control.toml" "$root/etc/acp/control.toml"
    # It may hold a token: for the control plane's user and nobody else.
    [ -n "$root" ] || chown root:acp-control /etc/acp/control.toml
fi
if [ "$start" = yes ]; then
    systemctl daemon-reload
    systemctl enable acp-control
    systemctl restart acp-control
    systemctl --no-pager status acp-control
fi
echo "installed; settings are in $root/etc/acp/control.toml"

#!/bin/sh
# Lays out the root folder of the minimal image: sh docker/image_root.sh PROMEMU PLUGINS ROOT
#
# It has promemu, its plugins, the libraries that these link, and certificate authorities. Time zones are built into promemu.
set -eu

if [ $# -ne 3 ]; then
    echo 'usage: image_root.sh PROMEMU PLUGINS ROOT' >&2
    exit 2
fi
promemu="$1"
plugins="$2"
root="$3"

mkdir -p "$root/usr/bin" "$root/usr/lib/promemu/plugins" "$root/etc/ssl/certs" "$root/etc/promemu/configs" "$root/proc" "$root/dev" "$root/sys"
install -m 1777 -d "$root/tmp"
install -m 755 "$promemu" "$root/usr/bin/promemu"
install -m 644 "$plugins"/*.so "$root/usr/lib/promemu/plugins/"
strip "$root/usr/bin/promemu" "$root"/usr/lib/promemu/plugins/*.so

# Libraries keep the paths at which the linker of promemu looks for them.
ldd "$root/usr/bin/promemu" "$root"/usr/lib/promemu/plugins/*.so |
    sed -n 's/^[[:space:]]*\(.* => \)\{0,1\}\(\/[^ ]*\) (0x[0-9a-f]*)$/\2/p' | sort -u |
    while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
    done

cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
printf 'root:x:0:0::/:/sbin/nologin\npromemu:x:10001:10001::/tmp:/sbin/nologin\n' >"$root/etc/passwd"
printf 'root:x:0:\npromemu:x:10001:\n' >"$root/etc/group"
printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
du -sk "$root" | cut -f 1 | sed 's/$/ KiB/'

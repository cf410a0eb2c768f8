#compdef virsh virt-admin
# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of virsh for zsh: as for bash, virsh itself knows the candidates.
local -a main rest found
rest=("${(@)words[2,CURRENT]}")
while (( $#rest > 1 )); do
    case $rest[1] in
        -c|-d|-e|-k|-K|-l|--connect|--debug|--escape|--keepalive-interval|--keepalive-count|--log)
            main+=("${(@)rest[1,2]}"); rest=("${(@)rest[3,-1]}") ;;
        -*) main+=("$rest[1]"); rest=("${(@)rest[2,-1]}") ;;
        *) break ;;
    esac
done
found=("${(@f)$($words[1] "${main[@]}" -q complete -- "${rest[@]}" 2>/dev/null </dev/null)}")
if [[ -n "$found" ]]; then
    compadd -a found
else
    _files
fi

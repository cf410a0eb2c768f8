# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of virsh and virt-admin for bash. The program itself knows the candidates (`virsh complete -- WORDS`): it looks at its tables and, for
# names, at a local connection. It never asks for a password, starts no daemon and gives up after two seconds.
_virsh() {
    local line=${COMP_LINE:0:COMP_POINT} words=() main=() word
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    local program=${words[0]}
    words=("${words[@]:1}")
    # the program's own options come first and go along, so that names are those of the right connection
    while ((${#words[@]} > 1)); do
        case ${words[0]} in
        -c | -d | -e | -k | -K | -l | --connect | --debug | --escape | --keepalive-interval | --keepalive-count | --log)
            main+=("${words[@]:0:2}")
            words=("${words[@]:2}")
            ;;
        -*)
            main+=("${words[0]}")
            words=("${words[@]:1}")
            ;;
        *) break ;;
        esac
    done
    ((${#words[@]})) || return 0
    word=${words[-1]}
    mapfile -t COMPREPLY < <("$program" "${main[@]}" -q complete -- "${words[@]}" 2>/dev/null </dev/null)
    # bash replaces only what stands behind the last word break
    local shown=${COMP_WORDS[COMP_CWORD]}
    if [[ $word != "$shown" && -n $shown && $word == *"$shown" ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${word%"$shown"}"}")
    fi
    ((${#COMPREPLY[@]})) || compopt -o default
}
complete -F _virsh virsh virt-admin

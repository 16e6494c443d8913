/**
 * `sh -c … FILE WORDS…`: run the words, unless the process that FILE names, by its pid and start time, takes care of the end
 * of a container. As long as it lives that is waited for: FILE is gone when it has, and names nobody who lives when it could
 * not. A shell is there in a fiftieth of the time that our own program takes to find that there is nothing to do.
 */
export const unlessAttended = `
start() { [ $# -gt 19 ] && [ "$1" != Z ] || return 1; shift 19; start=$1; }
while read -r pid since <"$0" && read -r stat <"/proc/$pid/stat" && start \${stat##*)} && [ "$start" = "$since" ]
do attended=yes; sleep 0.1; done 2>/dev/null
[ "$attended" ] && [ ! -e "$0" ] || exec "$@"
`

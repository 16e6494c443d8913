/**
 * The scripts that make a shell ask the program for completions (`completion bash|zsh|fish`).
 *
 * They hold no words of their own: each hands the line up to the cursor to `__complete` and shows what comes back, so a
 * script installed long ago completes today's flags. All three understand the directives for errors, spaces and files;
 * fish decides by itself after which characters it adds no space.
 */

export type Shell = "bash" | "zsh" | "fish"

export const shells: ReadonlyArray<Shell> = ["bash", "zsh", "fish"]

export interface ScriptOptions {
  /** Descriptions beside the candidates. @default true */
  readonly descriptions?: boolean
}

/** The script for a program that is found in PATH by its name. */
export const completionScript = (shell: Shell, program: string, { descriptions = true }: ScriptOptions = {}): string =>
  scripts[shell]
    .replaceAll("@PROGRAM@", program)
    .replaceAll("@FUNCTION@", `_${program.replaceAll(/\W/g, "_")}_complete`)
    .replaceAll("@QUESTION@", descriptions ? "__complete" : "__completeNoDesc")

/**
 * Readline splits words at `=` and `:` too, and replaces only the last piece: the words are put together again from the
 * line, and what stands before the last piece is taken off each candidate.
 */
const bash = `# bash completion for @PROGRAM@; load it with: source <(@PROGRAM@ completion bash)

@FUNCTION@() {
    local line="\${COMP_LINE:0:COMP_POINT}" words=() piece="" typed="" index
    for ((index = 0; index <= COMP_CWORD; index++)); do
        local blank="\${line%%[![:space:]]*}"
        line="\${line#"$blank"}"
        piece="\${COMP_WORDS[index]}"
        ((index == COMP_CWORD)) && piece="$line"
        line="\${line#"$piece"}"
        if ((index == 0)) || [[ -n $blank ]]; then
            words+=("$piece")
        else
            words[-1]+="$piece"
        fi
    done
    typed="\${words[-1]//[\\"\\'\\\\]/}"
    [[ $piece == [=:] ]] && piece=""

    local answer directive
    answer=$("\${words[0]/#\\~/$HOME}" @QUESTION@ "\${words[@]:1:\${#words[@]}-2}" "$typed" 2>/dev/null)
    directive="\${answer##*:}"
    [[ $directive =~ ^[0-9]+$ ]] || return
    ((directive & 1)) && return
    ((directive & 2)) && compopt -o nospace
    ((directive & 4)) && compopt +o default +o bashdefault

    local flag="" before="\${typed%"\${piece//[\\"\\'\\\\]/}"}" candidates=() texts=() width=0 word text
    [[ $typed == -*=* ]] && flag="\${typed%%=*}="
    while IFS=$'\\t' read -r word text; do
        [[ -n $word ]] || continue
        word="$flag$word"
        word="\${word#"$before"}"
        candidates+=("$word")
        texts+=("$text")
        ((\${#word} > width)) && width=\${#word}
    done <<<"\${answer%:*}"

    COMPREPLY=("\${candidates[@]}")
    # readline is about to list several: descriptions can stand beside them without getting into the line
    if ((\${#candidates[@]} > 1 && COMP_TYPE == 63)); then
        for index in "\${!candidates[@]}"; do
            [[ -n \${texts[index]} ]] || continue
            printf -v "COMPREPLY[index]" '%-*s  (%s)' "$width" "\${candidates[index]}" "\${texts[index]}"
        done
    fi
}

complete -o default -o bashdefault -F @FUNCTION@ @PROGRAM@
`

const zsh = `#compdef @PROGRAM@
# zsh completion for @PROGRAM@; load it with: source <(@PROGRAM@ completion zsh)

@FUNCTION@() {
    local -a typed answer entries options
    local directive line word
    typed=("\${(@Q)words[2,CURRENT-1]}" "\${(Q)PREFIX}")
    answer=("\${(@f)$("\${(Q)words[1]/#\\~/$HOME}" @QUESTION@ "\${typed[@]}" 2>/dev/null)}")
    directive="\${answer[-1]#:}"
    [[ $directive == <-> ]] || return 1
    ((directive & 1)) && return 1
    ((directive & 2)) && options=(-S '')
    [[ $PREFIX == -*=* ]] && compset -P '*='

    for line in "\${(@)answer[1,-2]}"; do
        [[ -n $line ]] || continue
        word="\${line%%$'\\t'*}"
        word="\${word//:/\\\\:}"
        [[ $line == *$'\\t'* ]] && word+=":\${line#*$'\\t'}"
        entries+=("$word")
    done
    if (($#entries)); then
        _describe -V '@PROGRAM@' entries "\${options[@]}"
    elif ((!(directive & 4))); then
        _files
    fi
}

if [[ \${funcstack[1]} == _@PROGRAM@ ]]; then
    @FUNCTION@ "$@"
else
    compdef @FUNCTION@ @PROGRAM@
fi
`

const fish = `# fish completion for @PROGRAM@; load it with: @PROGRAM@ completion fish | source

function @FUNCTION@
    set -l words (commandline -opc)
    set -l typed (commandline -ct)
    set -l program $words[1]
    set -e words[1]
    set -l answer ($program @QUESTION@ $words "$typed" 2>/dev/null)
    string match -qr '^:[0-9]+$' -- "$answer[-1]"; or return
    set -l directive (string sub -s 2 -- $answer[-1])
    set -e answer[-1]
    test (math "bitand($directive, 1)") -eq 0; or return
    set -l flag (string match -r -- '^-[^=]*=' "$typed")
    if test (count $answer) -gt 0
        for candidate in $answer
            printf '%s%s\\n' "$flag" "$candidate"
        end
    else if test (math "bitand($directive, 4)") -eq 0
        __fish_complete_path (string replace -- "$flag" '' "$typed")
    end
end

complete -c @PROGRAM@ -e
complete -c @PROGRAM@ -f -k -a '(@FUNCTION@)'
`

const scripts: Readonly<Record<Shell, string>> = { bash, zsh, fish }

# The private prefix: programs of a newer suite with their own loader and libraries, out of the system's way.
#
#   bin/       the programs
#   lib/       the loader and every library they need
#   kerndat    the directory where this CRIU keeps what it knows of the kernel
#   manifest   first line the layout's number, then where it came from and what was unpacked
#
# It is built beside its place and renamed into it, so a run that is killed leaves the old prefix or none.

prefix=${CRYOPOD_PREFIX:-/opt/cryopod}
prefix=${prefix%/}
case $prefix in /*/*) ;; *) die "CRYOPOD_PREFIX has to be an absolute path below a folder, not '$prefix'" ;; esac
prefix_layout='cryopod-prefix 2'

prefix_here() { [ "$(head -n 1 "$prefix/manifest" 2>/dev/null)" = "$prefix_layout" ]; }

# A name of our own beside the prefix: same filesystem, and recognisable as a leftover.
prefix_beside() { printf '%s/.%s.%s' "$(dirname "$prefix")" "$(basename "$prefix")" "$1"; }

prefix_recover() {
  # killed between the two renames of prefix_place: the old one still is the best there is
  if [ ! -e "$prefix" ] && [ -d "$(prefix_beside old)" ]; then mv -T "$(prefix_beside old)" "$prefix"; fi
  rm -rf "$(prefix_beside old)" "$(prefix_beside new)" "$(prefix_beside apt)"
}

# prefix_build ARCHIVES SOURCE PROGRAM...   from the .deb files in folder ARCHIVES
prefix_build() {
  local archives=$1 source=$2 stage deb tree program file
  shift 2
  # never take the place of a folder that something else lives in
  if [ -e "$prefix" ] && [ ! -e "$prefix/manifest" ] && [ -n "$(ls -A "$prefix")" ]; then
    die "$prefix is not ours: choose another place with CRYOPOD_PREFIX"
  fi
  stage=$(prefix_beside new)
  rm -rf "$stage"
  tree=$stage/tree
  mkdir -p "$stage/bin" "$stage/lib" "$tree"
  { echo "$prefix_layout"; echo "from $source"; } >"$stage/manifest"
  for deb in "$archives"/*.deb; do
    dpkg-deb -x "$deb" "$tree"
    dpkg-deb -W --showformat='${Package} ${Version}\n' "$deb" >>"$stage/manifest"
  done
  # libraries of one folder: links and plain files of the architecture's library folders, no plug-ins below them
  find "$tree/usr/lib" -maxdepth 2 -name '*.so*' ! -type d -exec cp -a -t "$stage/lib" {} +
  for program; do
    for file in "$tree"/usr/sbin/"$program" "$tree"/usr/bin/"$program" ''; do [ ! -f "$file" ] || break; done
    [ -n "$file" ] || die "the packages of $source have no $program"
    cp -a "$file" "$stage/bin/$program"
  done
  rm -rf "$tree" "$archives"
  for program; do prefix_point "$stage" "$program"; done
  [ ! -e "$stage/bin/criu" ] || prefix_kerndat "$stage"
  prefix_place
}

# Make a program use the prefix's loader and libraries, by their final names. An RPATH, not a RUNPATH: it holds for the
# libraries' own libraries too, and for what is opened at run time (crun opens libcriu).
prefix_point() {
  local stage=$1 program=$2 loader need seen=' ' queue=("$1/bin/$2")
  loader=$(basename "$(patchelf --print-interpreter "$stage/bin/$program")")
  [ -e "$stage/lib/$loader" ] || die "the packages have no $loader for $program"
  while [ ${#queue[@]} -gt 0 ]; do
    for need in $(patchelf --print-needed "${queue[0]}"); do
      case $seen in *" $need "*) continue ;; esac
      [ -e "$stage/lib/$need" ] || die "the packages have no $need for $program"
      seen="$seen$need "
      queue+=("$stage/lib/$need")
    done
    queue=("${queue[@]:1}")
  done
  patchelf --set-interpreter "$prefix/lib/$loader" "$stage/bin/$program"
  patchelf --force-rpath --set-rpath "$prefix/lib" "$stage/bin/$program"
}

# Where CRIU keeps what it knows of the kernel, it wants a tmpfs: a directory that the engine can make one, of a name that is
# as long as the one that it replaces. /run is no tmpfs everywhere, and the system's CRIU would write to the same file.
# A CRIU that keeps it elsewhere stays as it is.
prefix_kerndat() {
  local stage=$1 directory=/run/cryo
  LC_ALL=C grep -qaF /run/criu.kdat "$stage/bin/criu" || return 0
  LC_ALL=C sed -i "s|/run/criu\.kdat|$directory/kdat|g" "$stage/bin/criu"
  echo "$directory" >"$stage/kerndat"
}

prefix_place() {
  local stage
  stage=$(prefix_beside new)
  chmod 755 "$stage"
  sync -f "$stage"
  [ ! -e "$prefix" ] || mv -T "$prefix" "$(prefix_beside old)"
  mv -T "$stage" "$prefix"
  rm -rf "$(prefix_beside old)"
}

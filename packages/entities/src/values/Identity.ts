/** Who the main process of a container is, read from the root filesystem's own /etc/passwd and /etc/group. */

export interface Identity {
  readonly uid: number
  readonly gid: number
  readonly groups: ReadonlyArray<number>
  /** Home directory; `/` when none is known. */
  readonly home: string
}

interface User {
  readonly name: string
  readonly uid: number
  readonly gid: number
  readonly home: string
}

interface Group {
  readonly name: string
  readonly gid: number
  readonly members: ReadonlyArray<string>
}

/**
 * Resolve `<name|uid>[:<group|gid>]`; the empty text is root. The answer is a text when the user or group is unknown, in
 * the words of moby/sys `user/user.go`.
 */
export const identityOf = (wanted: string, passwd: string, group: string): Identity | string => {
  const users = records(passwd).map(userOf)
  const groups = records(group).map(groupOf)
  const [userText = "", groupText = ""] = wanted.split(":")
  const user =
    userText === ""
      ? (users.find(({ uid }) => uid === 0) ?? root)
      : (users.find(({ name }) => name === userText) ??
        users.find(({ uid }) => uid === numberOf(userText)) ??
        nameless(userText))
  if (user === "range") return outOfRange
  if (user === undefined) return `unable to find user ${userText}: no matching entries in passwd file`
  if (groupText === "") {
    const supplementary = groups.filter(({ gid, members }) => members.includes(user.name) && gid !== user.gid)
    return { uid: user.uid, gid: user.gid, groups: [user.gid, ...supplementary.map(({ gid }) => gid)], home: user.home }
  }
  const gid = groups.find(({ name }) => name === groupText)?.gid ?? numberOf(groupText)
  if (gid === "range") return outOfRange
  if (gid === undefined) return `unable to find group ${groupText}: no matching entries in group file`
  return { uid: user.uid, gid, groups: [gid], home: user.home }
}

const root: User = { name: "root", uid: 0, gid: 0, home: "/root" }

/** A number needs no entry. */
const nameless = (text: string): User | "range" | undefined => {
  const uid = numberOf(text)
  return typeof uid === "number" ? { name: "", uid, gid: 0, home: "/" } : uid
}

const largest = 2 ** 31 - 1
const outOfRange = `uids and gids must be in range 0-${largest}`

const numberOf = (text: string): number | "range" | undefined => {
  if (!/^-?\d+$/.test(text)) return undefined
  const number = Number(text)
  return number >= 0 && number <= largest ? number : "range"
}

const records = (file: string) =>
  file
    .split("\n")
    .filter((line) => line.includes(":"))
    .map((line) => line.split(":"))

const userOf = ([name = "", , uid, gid, , home = ""]: ReadonlyArray<string>): User => ({
  name,
  uid: Number(uid),
  gid: Number(gid),
  home: home === "" ? "/" : home,
})

const groupOf = ([name = "", , gid, members = ""]: ReadonlyArray<string>): Group => ({
  name,
  gid: Number(gid),
  members: members.trim().split(","),
})

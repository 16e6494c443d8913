/** Certificates of two authorities: ours, which both sides trust, and theirs, which nobody here does. */
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import { join } from "node:path"

const authorities = ["ours", "theirs"] as const
const signers = { server: "ours", client: "ours", stranger: "theirs" } as const

export type CertificateOwner = (typeof authorities)[number] | keyof typeof signers

export interface Identity {
  /** PEM. */
  readonly cert: string
  readonly key: string
}

/** Made in the directory, for 127.0.0.1 and localhost. */
export const makeCertificates = (directory: string): ((owner: CertificateOwner) => Identity) => {
  const openssl = (...args: ReadonlyArray<string>) => execFileSync("openssl", args, { cwd: directory, stdio: "ignore" })
  const made = (name: string) => {
    const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", `${name}.key`]
    return [...key, "-subj", `/CN=${name}`]
  }
  fs.writeFileSync(join(directory, "names"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n")
  for (const name of authorities) openssl("req", "-x509", "-days", "2", ...made(name), "-out", `${name}.pem`)
  for (const [name, by] of Object.entries(signers)) {
    openssl("req", "-new", ...made(name), "-out", `${name}.csr`)
    const signing = ["-CA", `${by}.pem`, "-CAkey", `${by}.key`, "-CAcreateserial", "-extfile", "names"]
    openssl("x509", "-req", "-days", "2", "-in", `${name}.csr`, ...signing, "-out", `${name}.pem`)
  }
  const text = (name: string) => fs.readFileSync(join(directory, name), "utf8")
  return (owner) => ({ cert: text(`${owner}.pem`), key: text(`${owner}.key`) })
}

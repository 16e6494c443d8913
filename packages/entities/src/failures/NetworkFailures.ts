/** What can stand in the way of an operation on a network, or of a container's place on one; messages as libpod words them. */
import * as Schema from "effect/Schema"
import { Failure } from "../Failure.ts"

/** No network has this name, or an id that begins so. */
export class NetworkNotFound extends Failure("NetworkNotFound", { ref: Schema.String }, 404) {
  override get message() {
    return `unable to find network with name or ID ${this.ref}: network not found`
  }
}

/** Several networks have ids that begin so. */
export class NetworkAmbiguous extends Failure("NetworkAmbiguous", { ref: Schema.String }, 500) {
  override get message() {
    return `more than one result for network ID ${this.ref}`
  }
}

/** The name belongs to another network. */
export class NetworkExists extends Failure("NetworkExists", { name: Schema.String }, 409) {
  override get message() {
    return `network name ${this.name} already used: network already exists`
  }
}

/** Containers, running or not, have a place on the network. */
export class NetworkInUse extends Failure(
  "NetworkInUse",
  { name: Schema.String, containers: Schema.Array(Schema.String) },
  409,
) {
  override get message() {
    return `${JSON.stringify(this.name)} has associated containers with it. Use -f to forcibly delete containers and pods: network is being used`
  }
}

/** The network that containers are on when they ask for none. */
export class NetworkProtected extends Failure("NetworkProtected", { name: Schema.String }, 500) {
  override get message() {
    return `default network ${this.name} cannot be removed`
  }
}

/** The container has a place on the network, and runs. */
export class NetworkConnected extends Failure(
  "NetworkConnected",
  { name: Schema.String, container: Schema.String },
  500,
) {
  override get message() {
    return `container ${this.container} is already connected to network ${this.name}: network is already connected`
  }
}

/** The container has no place on the network. */
export class NetworkNotConnected extends Failure(
  "NetworkNotConnected",
  {
    name: Schema.String,
    container: Schema.String,
    /** It has a place on some other network. */
    elsewhere: Schema.Boolean,
  },
  500,
) {
  override get message() {
    const words = `container ${this.container} is not connected to network ${this.name}`
    return this.elsewhere ? words : `${words}: network not found`
  }
}

/** The container has no network namespace that could be put on networks; libpod does not say which it has. */
export class NetworkModeRefused extends Failure("NetworkModeRefused", { container: Schema.String }, 500) {
  override get message() {
    return '"" is not supported: invalid network mode'
  }
}

type Words = Readonly<Record<string, (value: string, other: string) => string>>

/** The literals that name the problems of a table of words. */
const problemsOf = <const T extends Words>(words: T) =>
  Schema.Literals(
    Object.keys(words) as unknown as readonly [Extract<keyof T, string>, ...Array<Extract<keyof T, string>>],
  )

const definitionWords = {
  name: (value: string) =>
    `network name ${value} invalid: names must match [a-zA-Z0-9][a-zA-Z0-9_.-]*: invalid argument`,
  reserved: (value: string) =>
    `cannot create network with name ${JSON.stringify(value)} because it conflicts with a valid network mode`,
  driver: (value: string) => `failed to find driver or plugin ${JSON.stringify(value)}`,
  cidr: (value: string) => `invalid CIDR address: ${value}`,
  range: (value: string) => `range ${JSON.stringify(value)} must be a CIDR or <startIP>-<endIP>`,
  subnetUsed: (value: string) => `subnet ${value} is already used on the host or by another config`,
  subnetsUsed: () => "could not find free subnet from subnet pools",
  subnetSmall: (value: string) => `subnet ${value} has no room for a gateway and a container`,
  gateway: (value: string) =>
    `invalid argument ${JSON.stringify(value)} for "--gateway" flag: invalid string being converted to IP address: ${value}`,
  gatewayOutside: (value: string, subnet: string) => `gateway ${value} not in subnet ${subnet}`,
  rangeStartOutside: (value: string, subnet: string) => `lease range start ip ${value} not in subnet ${subnet}`,
  rangeEndOutside: (value: string, subnet: string) => `lease range end ip ${value} not in subnet ${subnet}`,
  withoutSubnet: () => "cannot set gateway or range without subnet",
  moreGateways: () => "cannot set more gateways than subnets",
  moreRanges: () => "cannot set more ranges than subnets",
  interface: (value: string) =>
    `interface name ${JSON.stringify(value)} is invalid: at most 15 letters, none of them / or blank`,
  interfaceUsed: (value: string) => `bridge name ${value} already in use`,
  option: (value: string) => `unsupported bridge network option ${value}`,
  optionNumber: (value: string) => `strconv.Atoi: parsing ${JSON.stringify(value)}: invalid syntax`,
  optionBoolean: (value: string, key: string) =>
    `failed to parse ${key} option: strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`,
  vlan: (value: string) => `vlan ID ${value} must be between 0 and 4094`,
  ipamDriver: (value: string) => `unsupported ipam driver ${JSON.stringify(value)}`,
  dnsDisabled: () => "cannot set NetworkDNSServers if DNS is not enabled for the network: invalid argument",
  dnsServer: (value: string) => `unable to parse ip ${value} specified in NetworkDNSServers: invalid argument`,
  route: (value: string) =>
    `invalid route: ${value}\nFormat: --route <destination in CIDR>,<gateway>,<metric (optional)>`,
} as const satisfies Words

/** A network as described cannot be made here. */
export class NetworkDefinitionInvalid extends Failure(
  "NetworkDefinitionInvalid",
  {
    problem: problemsOf(definitionWords),
    value: Schema.String,
    /** What the value does not fit to, where there is such a thing. */
    other: Schema.optionalKey(Schema.String),
  },
  400,
) {
  override get message() {
    return definitionWords[this.problem](this.value, this.other ?? "")
  }
}

const filterWords = {
  form: (value: string) => `filter input must be in the form of filter=value: ${value} is invalid`,
  key: (value: string) => `invalid filter ${JSON.stringify(value)}`,
  dangling: (value: string) => `invalid dangling filter value ${JSON.stringify(value)}`,
  until: (value: string) => `${JSON.stringify(value)} is no duration and no time`,
  pattern: (value: string) => `${JSON.stringify(value)} is no regular expression`,
} as const satisfies Words

/** A filter nobody knows, or with a value it cannot have. */
export class NetworkFilterInvalid extends Failure(
  "NetworkFilterInvalid",
  { problem: problemsOf(filterWords), value: Schema.String },
  400,
) {
  override get message() {
    return filterWords[this.problem](this.value)
  }
}

/** Somebody has the address that was asked for. */
export class AddressInUse extends Failure(
  "AddressInUse",
  {
    address: Schema.String,
    network: Schema.String,
    /** Id of the container that has it; absent when it belongs to something of this host that is not ours. */
    container: Schema.optionalKey(Schema.String),
  },
  500,
) {
  override get message() {
    const holder =
      this.container === undefined
        ? `used by somebody else on network ${this.network}`
        : `container ID ${this.container}`
    return `IPAM error: requested ip address ${this.address} is already allocated to ${holder}`
  }
}

/** The network has no such address. */
export class AddressOutside extends Failure("AddressOutside", { address: Schema.String, network: Schema.String }, 500) {
  override get message() {
    return `requested static ip ${this.address} not in any subnet on network ${this.network}`
  }
}

/** Every address that containers may be given is taken. */
export class AddressesExhausted extends Failure(
  "AddressesExhausted",
  { network: Schema.String, first: Schema.String, last: Schema.String },
  500,
) {
  override get message() {
    return `IPAM error: failed to find free IP in range: ${this.first} - ${this.last}`
  }
}

/** A port of the host that is to be published has a listener already. */
export class PortInUse extends Failure(
  "PortInUse",
  {
    protocol: Schema.Literals(["tcp", "udp", "sctp"]),
    /** Empty for every address of the host. */
    hostIp: Schema.String,
    port: Schema.Int,
  },
  500,
) {
  override get message() {
    return `${listening(this)}: bind: address already in use`
  }
}

/** An address or a port of the host that cannot be bound at all. */
export class PortUnavailable extends Failure(
  "PortUnavailable",
  {
    protocol: Schema.Literals(["tcp", "udp", "sctp"]),
    /** Empty for every address of the host. */
    hostIp: Schema.String,
    port: Schema.Int,
    /** Of the system: `EADDRNOTAVAIL` and so on. */
    code: Schema.String,
  },
  500,
) {
  override get message() {
    const words = this.code === "EADDRNOTAVAIL" ? "cannot assign requested address" : this.code
    return `${listening(this)}: bind: ${words}`
  }
}

const listening = ({ hostIp, port, protocol }: Pick<PortInUse, "hostIp" | "port" | "protocol">): string => {
  const six = hostIp.includes(":")
  const network = `${protocol}${six ? "6" : "4"}`
  return `cannot listen on the ${protocol.toUpperCase()} port: listen ${network} ${six ? `[${hostIp}]` : hostIp}:${port}`
}

const optionWords = {
  networkName: () => "network name cannot be empty",
  networkOption: (network: string, problem: string) => `invalid option for network ${network}: ${problem}`,
  networkMode: (value: string) =>
    `invalid value ${JSON.stringify(value)} for --network: give none, host, bridge, container:<name|id> or names of networks`,
  extraNetworks: (mode: string) =>
    `cannot set multiple networks without bridge network mode, selected mode ${mode}: invalid argument`,
  modeConflict: (mode: string) =>
    `can only set extra network names, selected mode ${mode} conflicts with bridge: invalid argument`,
  onlyBridge: (option: string) => `--${option} can only be set when the network mode is bridge: invalid argument`,
  onlySingle: (option: string) => `--${option} can only be set for a single network: invalid argument`,
  ip: (value: string) => `${JSON.stringify(value)} is not an ip address`,
  mac: (value: string) => `address ${value}: invalid MAC address`,
  dns: (value: string) => `${value} is not an ip address`,
  dnsNone: () => "none is not allowed to be specified with other DNS ip addresses",
  addHost: (value: string) => `bad format for add-host: ${JSON.stringify(value)}`,
  addHostIp: (value: string) => `invalid IP address in add-host: ${JSON.stringify(value)}`,
  noHosts: () => "--no-hosts and --add-host cannot be set together",
  publish: (_: string, problem: string) => problem,
  expose: (_: string, problem: string) => problem,
  noFreePort: (value: string) => `no free port found on the host to publish ${value}`,
} as const satisfies Words

/** What a container asks for on its networks cannot be meant. */
export class NetworkOptionInvalid extends Failure(
  "NetworkOptionInvalid",
  {
    problem: problemsOf(optionWords),
    value: Schema.String,
    /** In Podman's words, where the value can be wrong in several ways. */
    detail: Schema.optionalKey(Schema.String),
  },
  400,
) {
  override get message() {
    return optionWords[this.problem](this.value, this.detail ?? "")
  }
}

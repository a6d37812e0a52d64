/** What other programs leave behind where they run, or ran since the start of the machine: to be looked at before they are asked. */
export const TRACES = { networkd: "/run/systemd/netif/state", networkManager: "/run/NetworkManager" } as const;

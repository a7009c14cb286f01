// A kernel's build configuration (/boot/config-*, /proc/config.gz): text becomes options.
// Truth: the file itself; an option that it does not set is off.

/** Values of the options that are set, by their names without `CONFIG_`. */
export type KernelConfig = ReadonlyMap<string, string>;

// CONFIG_SLUB_DEBUG=y
// # CONFIG_SLUB_DEBUG_ON is not set
// CONFIG_DEFAULT_HOSTNAME="(none)"
/** Reads a configuration; undefined where the text sets nothing, so is none. */
export function parseKernelConfig(text: string): KernelConfig | undefined {
  const config = new Map<string, string>();
  for (const [, option, value] of text.matchAll(/^CONFIG_(\w+)=(.*?)\r?$/gm)) {
    if (option !== undefined && value !== undefined) {
      config.set(option, value.replace(/^"(.*)"$/, '$1'));
    }
  }
  return config.size === 0 ? undefined : config;
}

/** True where the option is built in or a module; `otherwise` where no configuration is known. */
export function isConfigured(
  config: KernelConfig | undefined,
  option: string,
  otherwise: boolean,
): boolean {
  if (config === undefined) return otherwise;
  const value = config.get(option);
  return value === 'y' || value === 'm';
}

/** A numeric option; undefined where it is not set or no configuration is known. */
export function configNumber(config: KernelConfig | undefined, option: string): number | undefined {
  const value = config?.get(option);
  const number = Number(value);
  return value === undefined || value === '' || !Number.isInteger(number) ? undefined : number;
}

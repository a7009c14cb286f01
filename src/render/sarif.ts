// SARIF 2.1.0 (OASIS), for code scanning: what all logs have in common. The source of a call site is
// not known, so results name the recording, and the function as a logical location.

/**
 * @param rules what may be found
 * @param run the rest of the run: its results, its notifications
 */
export function sarifLog(rules: readonly object[], run: object): string {
  const log = {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [{ tool: { driver: { name: 'slabreplay', rules } }, ...run }],
  };
  return `${JSON.stringify(log, null, 1)}\n`;
}

/** @param uri of the recording */
export function sarifLocations(uri: string, name: string, kind: 'function' | 'resource'): object[] {
  return [
    {
      physicalLocation: { artifactLocation: { uri }, region: { startLine: 1 } },
      logicalLocations: [{ name, kind }],
    },
  ];
}

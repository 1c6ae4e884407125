/** The JSON that an address answers. */
// oxlint-disable-next-line typescript/no-explicit-any -- tests say what they expect in it
export async function getJson(url: string): Promise<any> {
  return (await fetch(url)).json();
}

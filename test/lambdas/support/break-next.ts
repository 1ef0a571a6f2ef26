/** Lets the next call of a method fail, before its effect or after it; several in a row for several errors. */
export function breakNext<Name extends string>(
  port: Record<Name, (...parameters: never[]) => Promise<unknown>>,
  name: Name,
  when: "before" | "after",
): void {
  const whole = port[name];
  port[name] = async (...parameters: never[]) => {
    port[name] = whole;
    if (when === "after") await whole.apply(port, parameters);
    throw new Error(`died ${when} ${name}`);
  };
}

import { styleText } from "node:util";

/** One line that rewrites itself on a terminal, and prints its changes where there is none. */
export class ProgressLine {
  readonly #terminal = process.stderr.isTTY;
  readonly #began = performance.now();
  #shown = "";

  /** Seconds since the line was made. */
  get seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  show(text: string): void {
    if (text === this.#shown) return;
    this.#shown = text;
    const time = `${this.seconds.toFixed(1).padStart(5)} s`;
    if (this.#terminal) process.stderr.write(`\r\u001B[2K${styleText("grey", time)}  ${text}`);
    else process.stderr.write(`${time}  ${text}\n`);
  }

  /** Ends the line so that what is printed next stands by itself. */
  end(): void {
    if (this.#terminal) process.stderr.write("\n");
  }
}

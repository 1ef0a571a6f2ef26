/** Something the operator can put right: a wrong argument, file or name. The message says what to do. */
export class OperatorError extends Error {
  override readonly name = "OperatorError";
}

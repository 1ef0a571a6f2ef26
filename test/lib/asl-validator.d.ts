declare module "asl-validator" {
  /** Checks a state machine's definition against the JSON schemas of the Amazon States Language. */
  export default function aslValidator(definition: unknown): {
    readonly isValid: boolean;
    readonly errorsText: (separator?: string) => string;
  };
}

import { Stack, Validations } from "aws-cdk-lib";
import { type ISecret, Secret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { type Provider, PROVIDERS } from "../lambdas/domain/vocabulary.ts";
import { type Permission, readSecrets } from "./permissions.ts";
import type { StageSettings } from "./stage-settings.ts";
import { removalPolicyOf } from "./storage.ts";

/**
 * The accounts at the providers that all tenants share. Each key is a secret that holds a random text until the
 * operator puts the real one in; a later deployment leaves that as it is.
 */
export class ProviderAccounts extends Construct {
  readonly secrets: Readonly<Record<Provider, ISecret>>;
  /** The environment variable PROVIDER_ACCOUNTS. */
  readonly json: string;
  readonly permission: Permission;

  constructor(scope: Construct, id: string, settings: StageSettings) {
    super(scope, id);
    this.secrets = {
      openai: this.#apiKey("OpenAiApiKey", "openai", settings),
      anthropic: this.#apiKey("AnthropicApiKey", "anthropic", settings),
    };
    this.json = Stack.of(this).toJsonString(
      Object.fromEntries(
        PROVIDERS.map((name) => {
          const { baseUrl } = settings.providers[name];
          return [name, { secretArn: this.secrets[name].secretArn, ...(baseUrl && { baseUrl }) }];
        }),
      ),
    );
    this.permission = readSecrets(...PROVIDERS.map((name) => this.secrets[name]));
  }

  #apiKey(id: string, provider: Provider, settings: StageSettings): Secret {
    const secret = new Secret(this, id, {
      secretName: `${settings.stackName}/${provider}-api-key`,
      description: `The API key of the ${provider} account that Offpeak sends requests with`,
      removalPolicy: removalPolicyOf(settings),
    });
    Validations.of(secret).acknowledge({
      id: "AwsSolutions-SMG4",
      reason: "The providers' API keys are made in their consoles: no rotation function can replace them.",
    });
    return secret;
  }
}

import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { OffpeakStack } from "../lib/offpeak-stack.ts";
import { readStageSettings, SETTINGS_KEY, type StageSettings } from "../lib/stage-settings.ts";

const app = new App();
const settings = settingsOrExit();
new OffpeakStack(app, settings.stackName, { settings });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

/** Wrong settings are the user's to mend: they are told what is wrong, without a stack trace. */
function settingsOrExit(): StageSettings {
  try {
    return readStageSettings(app.node.tryGetContext(SETTINGS_KEY));
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error));
    process.exit(1);
  }
}

import { App, Validations } from "aws-cdk-lib";
import { AwsSolutionsChecks } from "cdk-nag";
import { OffpeakStack } from "../lib/offpeak-stack.ts";
import { readStageSettings, SETTINGS_KEY } from "../lib/stage-settings.ts";

const app = new App();
const settings = readStageSettings(app.node.tryGetContext(SETTINGS_KEY));
new OffpeakStack(app, settings.stackName, { settings });
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));

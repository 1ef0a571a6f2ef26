import { type References, resolve } from "./intrinsics.ts";
import { arnOf, physicalName, type Place, queueUrlOf } from "./resource-names.ts";
import { BUILT_TYPES, checkTypes } from "./resource-types.ts";
import type { Resource, Template } from "./template.ts";

/** A resource whose properties are resolved when they are asked for. */
export interface NamedResource extends Resource {
  readonly name: string;
  readonly arn: string;
}

/** Attributes that only exist once a resource has been made. */
export interface MadeAttributes {
  secretArn(resource: NamedResource): string;
  roleId(resource: NamedResource): string;
}

const ARN_AS_REF: ReadonlySet<string> = new Set([BUILT_TYPES.stateMachine, "AWS::SNS::Topic"]);

/** The resources of a template with their names, and what references to them stand for. */
export class StackResources {
  readonly #place: Place;
  readonly #made: MadeAttributes;
  readonly #byId: ReadonlyMap<string, NamedResource>;

  /** Throws when the template has a type of resource that cannot be run here. */
  constructor(template: Template, place: Place, made: MadeAttributes) {
    checkTypes(template.resources);
    this.#place = place;
    this.#made = made;
    const named = template.resources.map((resource) => {
      const name = physicalName(resource, place, (value) => this.resolve(value));
      return [resource.logicalId, { ...resource, name, arn: arnOf(resource.type, name, place) }] as const;
    });
    this.#byId = new Map(named);
  }

  ofType(...types: readonly string[]): NamedResource[] {
    return [...this.#byId.values()].filter(({ type }) => types.includes(type));
  }

  /** The resource with this ARN or name. Throws when there is none. */
  find(type: string, arnOrName: string): NamedResource {
    const found = this.ofType(type).find(({ arn, name }) => arn === arnOrName || name === arnOrName);
    if (found === undefined) throw new Error(`there is no ${type} ${arnOrName} in this stack`);
    return found;
  }

  resolve(value: unknown): unknown {
    return resolve(value, this.#references);
  }

  readonly #references: References = {
    ref: (name) => this.#pseudoParameter(name) ?? this.#ref(this.#get(name)),
    attribute: (logicalId, name) => this.#attribute(this.#get(logicalId), name),
  };

  #get(logicalId: string): NamedResource {
    const resource = this.#byId.get(logicalId);
    if (resource === undefined)
      throw new Error(`the template refers to ${logicalId}, which it does not have`);
    return resource;
  }

  #pseudoParameter(name: string): string | undefined {
    const { region, accountId, stackName } = this.#place;
    const values: Readonly<Record<string, string>> = {
      "AWS::Region": region,
      "AWS::AccountId": accountId,
      "AWS::Partition": "aws",
      "AWS::StackName": stackName,
      "AWS::StackId": `arn:aws:cloudformation:${region}:${accountId}:stack/${stackName}/local`,
      "AWS::URLSuffix": "amazonaws.com",
    };
    return values[name];
  }

  #ref(resource: NamedResource): string {
    if (resource.type === BUILT_TYPES.queue) return queueUrlOf(resource.name, this.#place);
    if (resource.type === BUILT_TYPES.secret) return this.#made.secretArn(resource);
    return ARN_AS_REF.has(resource.type) ? resource.arn : resource.name;
  }

  #attribute(resource: NamedResource, name: string): string {
    switch (name) {
      case "Arn":
      case "Id":
        return resource.type === BUILT_TYPES.secret ? this.#made.secretArn(resource) : resource.arn;
      case "VectorBucketArn":
        return resource.arn;
      case "RoleId":
        return this.#made.roleId(resource);
      case "QueueUrl":
        return queueUrlOf(resource.name, this.#place);
      case "Name":
      case "QueueName":
      case "TopicName":
        return resource.name;
      default:
        throw new Error(
          `the attribute ${name} of ${resource.type} (${resource.logicalId}) is not known here`,
        );
    }
  }
}

/** Devices and scenarios: what a team's datasets were measured on. */
import { Field, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { connectionOf } from './connection';
import { Node, TeamNode } from './node';

@Entity()
@ObjectType({ implements: Node, description: 'A phone, board or machine.' })
export class Device extends TeamNode {
  @Column('text')
  @Field()
  name!: string;
}

export const DeviceConnection = connectionOf(Device);

@Entity()
@ObjectType({ implements: Node, description: 'Device x processor x number type x runtime. One predictor serves one.' })
export class Scenario extends TeamNode {
  @Column('uuid')
  deviceId!: string;

  @Column('text')
  @Field({ description: '`runtime/device/processor/type`' })
  name!: string;

  @Column('text')
  @Field()
  runtime!: string;

  @Column('text')
  @Field({ description: '`gpu`, or a set of CPU cores such as `1large2med`.' })
  processor!: string;

  @Column('text')
  @Field({ description: 'Number type: `float` or `quant`.' })
  type!: string;
}

export const ScenarioConnection = connectionOf(Scenario);

@InputType()
export class ScenarioFilter {
  @Field(() => String, { nullable: true, description: '`runtime/device/processor/type`' })
  name?: string | null;
}

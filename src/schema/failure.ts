/** Why a file was rejected or a training failed, as a row keeps it. */
import { Field, Int, ObjectType } from 'type-graphql';
import type { Failure as StoredFailure } from '../errors';
import { ErrorCode } from './enums';

@ObjectType({ description: 'One of the things that are wrong in a file.' })
class FileProblem {
  @Field(() => Int, { nullable: true, description: 'Counted from 1; null for the header of a table without lines.' })
  line!: number | null;

  @Field(() => String, { description: 'What is counted: `line`, `row` or `event`.' })
  unit!: string;

  @Field(() => String, { nullable: true })
  column!: string | null;

  @Field(() => String, { nullable: true, description: 'What stands there, shortened.' })
  value!: string | null;

  @Field()
  expected!: string;
}

@ObjectType()
export class Failure implements StoredFailure {
  @Field(() => ErrorCode)
  code!: ErrorCode;

  @Field()
  message!: string;

  @Field(() => String, { nullable: true, description: 'Line and column, byte offset, op, tensor or name.' })
  where?: string;

  @Field(() => String, { nullable: true, description: 'What to do about it.' })
  remedy?: string;

  @Field(() => [FileProblem], { description: 'The first of many things that are wrong in a file.' })
  problems!: StoredFailure['problems'];

  @Field(() => Int, { description: 'How many there are in all.' })
  problemCount!: number;
}

/** The second factor: one-time codes by time (RFC 6238), and recovery codes for who has lost the device. */
import { Length, MaxLength } from 'class-validator';
import { Field, InputType, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { bigintAsNumber } from './columns';
import { Node } from './node';

@Entity()
export class SecondFactor extends Node {
  @Column('uuid')
  personId!: string;

  /** The base32 that the app has, sealed for the person. */
  @Column('text')
  sealedSecret!: string;

  /** The time step of the last code that was taken. */
  @Column('bigint', { nullable: true, transformer: bigintAsNumber })
  lastStep?: number | null;

  @Column('timestamptz', { nullable: true })
  confirmedAt?: Date | null;
}

@Entity()
export class RecoveryCode extends Node {
  @Column('uuid')
  personId!: string;

  @Column('text')
  codeSha256!: string;

  @Column('timestamptz', { nullable: true })
  usedAt?: Date | null;
}

@InputType()
export class EnrolSecondFactorInput {
  @Field()
  @MaxLength(200)
  password!: string;
}

@ObjectType()
export class EnrolSecondFactorPayload {
  @Field({ description: 'For an authenticator app, as a QR code: `otpauth://totp/...`.' })
  uri!: string;

  @Field({ description: 'The same secret in base32, to type in.' })
  secret!: string;
}

@InputType()
export class ConfirmSecondFactorInput {
  @Field({ description: 'The six digits that the app shows.' })
  @Length(6, 6)
  code!: string;
}

@ObjectType()
export class ConfirmSecondFactorPayload {
  @Field(() => [String], { description: 'Shown this once. Each signs in once in place of a code.' })
  recoveryCodes!: string[];
}

@InputType()
export class DisableSecondFactorInput {
  @Field()
  @MaxLength(200)
  password!: string;
}

@ObjectType()
export class DisableSecondFactorPayload {
  @Field()
  disabled!: boolean;
}

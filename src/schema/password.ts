/** Passwords that are forgotten or changed. */
import { IsEmail, Length, MaxLength } from 'class-validator';
import { Field, InputType, Int, ObjectType } from 'type-graphql';

@InputType()
export class RequestPasswordResetInput {
  @Field()
  @IsEmail({}, { message: 'email is not an e-mail address' })
  @MaxLength(254)
  email!: string;
}

@ObjectType()
export class RequestPasswordResetPayload {
  @Field({ description: 'That a mail goes to the address if it has signed up: the same for every address.' })
  mailSent!: boolean;
}

@InputType()
export class ResetPasswordInput {
  @Field({ description: 'From the link in the mail: good for an hour, and once.' })
  @MaxLength(100)
  token!: string;

  @Field({ description: '12 to 200 characters.' })
  @Length(12, 200)
  password!: string;
}

@ObjectType()
export class ResetPasswordPayload {
  @Field(() => Int, { description: 'How many sessions ended: all that there were.' })
  sessions!: number;
}

@InputType()
export class ChangePasswordInput {
  @Field()
  @MaxLength(200)
  currentPassword!: string;

  @Field({ description: '12 to 200 characters.' })
  @Length(12, 200)
  newPassword!: string;
}

@ObjectType()
export class ChangePasswordPayload {
  @Field(() => Int, { description: 'How many sessions ended: all but that of this request.' })
  sessions!: number;
}

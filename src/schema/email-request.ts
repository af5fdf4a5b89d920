/** What somebody who says that an address is theirs has asked for: signing up, or a new password. */
import { Column, Entity } from 'typeorm';
import { Node } from './node';

@Entity()
export class EmailRequest extends Node {
  @Column('text')
  purpose!: 'SIGN_UP' | 'PASSWORD_RESET';

  @Column('text')
  email!: string;

  /** Of the person who will be made; only for signing up, as the next. */
  @Column('text', { nullable: true })
  name?: string | null;

  @Column('text', { nullable: true })
  passwordHash?: string | null;

  /** None before the mail has gone out, and none ever if there is nothing to follow. */
  @Column('text', { nullable: true })
  tokenSha256?: string | null;

  @Column('timestamptz')
  expiresAt!: Date;

  @Column('timestamptz', { nullable: true })
  usedAt?: Date | null;
}

/** Whom an OpenID Connect provider knows a person as. */
import { Column, Entity } from 'typeorm';
import { Node } from './node';

@Entity()
export class Identity extends Node {
  @Column('uuid')
  personId!: string;

  @Column('text')
  issuer!: string;

  @Column('text')
  subject!: string;
}

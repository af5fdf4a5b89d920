/** Uploads: permission to put the bytes of one file into the object store. */
import { IsIn, IsInt, IsOptional, Length, Matches, Max, Min } from 'class-validator';
import { Field, Float, ID, InputType, Int, ObjectType } from 'type-graphql';
import { Column, Entity } from 'typeorm';
import { bigintAsNumber } from './columns';
import { UploadKind } from './enums';
import { TeamNode } from './node';

/** The largest file that is taken: 256 MiB, what the object store reads whole. */
const MAXIMUM_UPLOAD_BYTES = 256 * 1024 * 1024;

/** The size of each part of a file that comes in parts, but for the last, which has the rest: 8 MiB. */
export const UPLOAD_PART_BYTES = 8 * 1024 * 1024;

/**
 * What the stored bytes may call themselves. The type is signed, so that the store takes no other, and none of these runs
 * in a browser that opens the object.
 */
const CONTENT_TYPES = [
  'application/octet-stream',
  'application/json',
  'application/vnd.apache.parquet',
  'text/csv',
  'text/plain',
];

@Entity()
export class Upload extends TeamNode {
  @Column('text')
  kind!: UploadKind;

  @Column('text')
  fileName!: string;

  @Column('bigint', { transformer: bigintAsNumber })
  sizeBytes!: number;

  @Column('text')
  sha256!: string;

  @Column('text')
  contentType!: string;

  @Column('text')
  objectKey!: string;

  /** Of each part, in order; null for a file that comes whole. */
  @Column('text', { array: true, nullable: true })
  partSha256s?: string[] | null;
}

@InputType()
export class RequestUploadInput {
  @Field(() => UploadKind)
  kind!: UploadKind;

  @Field()
  @Length(1, 255)
  @Matches(/^[^/\\\p{Cc}]+$/u, { message: 'fileName is a name without path' })
  fileName!: string;

  @Field(() => Float, { description: 'A whole number.' })
  @IsInt()
  @Min(1)
  @Max(MAXIMUM_UPLOAD_BYTES)
  sizeBytes!: number;

  @Field({ description: 'Of the bytes, 64 lower-case hexadecimal digits.' })
  @Matches(/^[0-9a-f]{64}$/, { message: 'sha256 is 64 lower-case hexadecimal digits' })
  sha256!: string;

  @Field({ defaultValue: 'application/octet-stream' })
  @IsIn(CONTENT_TYPES, { message: `contentType is one of ${CONTENT_TYPES.join(', ')}` })
  contentType!: string;

  @Field(() => [String], {
    nullable: true,
    description: `For a file of more than ${UPLOAD_PART_BYTES} bytes that shall come in parts: of each ${UPLOAD_PART_BYTES} bytes of it, the last being the rest.`,
  })
  @IsOptional()
  @Matches(/^[0-9a-f]{64}$/, { each: true, message: 'partSha256s are 64 lower-case hexadecimal digits each' })
  partSha256s?: string[] | null;
}

@ObjectType()
export class HttpHeader {
  @Field()
  name!: string;

  @Field()
  value!: string;
}

@ObjectType({ description: 'An HTTP request to make with the bytes as its body, before it expires.' })
export class UploadRequest {
  @Field()
  method!: string;

  @Field()
  url!: string;

  @Field(() => [HttpHeader], { description: 'All of them, as they are.' })
  headers!: HttpHeader[];

  @Field()
  expiresAt!: Date;
}

@ObjectType({
  description: 'A part of a file. Those that have not arrived are put in any order, each by its own request.',
})
export class UploadPart {
  @Field(() => Float, { description: 'Where it begins in the file.' })
  offsetBytes!: number;

  @Field(() => Int)
  sizeBytes!: number;

  @Field(() => UploadRequest, { nullable: true, description: 'Null if the part has arrived already.' })
  request?: UploadRequest;
}

@ObjectType()
export class RequestUploadPayload {
  @Field(() => ID)
  uploadId!: string;

  @Field(() => UploadRequest, {
    nullable: true,
    description: 'Null if the store has these bytes already, and for a file in parts: go on without it.',
  })
  request?: UploadRequest;

  @Field(() => [UploadPart], { description: 'Of a file in parts whose bytes the store has not yet; empty otherwise.' })
  parts!: UploadPart[];
}

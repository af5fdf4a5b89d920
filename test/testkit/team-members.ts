/** People in other roles than the owner's, who have come in by an invitation. Knows the API; must not know tables. */
import type { ApiClient, Data } from './client';
import type { TestPerson, TestTeam } from './service';
import type { TestSmtp } from './smtp';

export const INVITE =
  'mutation ($input: CreateInvitationInput!) { createInvitation(input: $input) { invitation { id email role } } }';
export const ACCEPT =
  'mutation ($input: AcceptInvitationInput!) { acceptInvitation(input: $input) { team { id name } role } }';
export const MEMBERS = '{ members { edges { node { id role person { email } } } } }';

interface Joined {
  person: TestPerson;
  /** Works in the team. */
  client: ApiClient;
  memberId: string;
}

/** A new person who has joined the team with the role. */
export async function join(smtp: TestSmtp, team: TestTeam, role: string): Promise<Joined> {
  const { service } = team.person;
  const person = await service.createPerson();
  await team.owner.query(INVITE, { input: { email: person.email, role } });
  await person.client.query(ACCEPT, { input: { token: await smtp.tokenTo(person.email) } });
  return { person, client: service.anonymous.as(person.token, team.id), memberId: await memberIdOf(team, person) };
}

export async function memberIdOf(team: TestTeam, { email }: TestPerson): Promise<string> {
  const { members } = await team.owner.query(MEMBERS);
  return members.edges.find(({ node }: Data) => node.person.email === email).node.id;
}

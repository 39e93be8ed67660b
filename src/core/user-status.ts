/** What is known of a user's doings. Unix seconds; 0 for never. */
export interface UserStatus {
  readonly user: string;
  /** Last time the user was active, as the backend says. */
  readonly activeSec: number;
  /** Last time the user was seen connected; now for those who are. */
  readonly onlineSec: number;
  /** The backend's own word; "" when there is none. */
  readonly state: string;
}

/*
 * Runs before the rest of the code has come: who was signed in needs a new access token first, and
 * that takes a round trip.
 */
import { wake } from './api.js';

wake();

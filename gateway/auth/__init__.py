"""Signing in: the part of the GoTrue HTTP API that the Supabase clients use, under /auth/v1."""

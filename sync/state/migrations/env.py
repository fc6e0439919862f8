"""Run by Alembic: migrates over the connection and transaction ``engine.migrate`` has opened."""

from alembic import context

from sync.state import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

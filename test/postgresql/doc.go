// Package postgresql tests the database image's entrypoint with this machine's
// PostgreSQL 15, without an image or a container.
package postgresql

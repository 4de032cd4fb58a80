package targets

import (
	"context"
	"fmt"
	"os"
	"time"

	"todo-chatbot/mage/pipeline"
)

// DBBackup saves the database to a file and prints its path. A nil to means
// build/backups/<env>.
func DBBackup(ctx context.Context, f Flags, to *string) error {
	return with(f, func(p *pipeline.Pipeline) error {
		path, err := p.Backup(ctx, value(to))
		if err == nil {
			fmt.Fprintln(os.Stdout, path)
		}
		return err
	})
}

// DBList prints the backups, the newest first: place, name, bytes, time and the state of
// the checksum.
func DBList(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		all, err := p.Backups(ctx)
		for _, b := range all {
			fmt.Fprintf(os.Stdout, "%s %s %d %s %s\n", b.Place, b.Name, b.Size, b.Time.Format(time.RFC3339), b.Sum)
		}
		return err
	})
}

// DBResize enlarges the database's volume to the size in the values.
func DBResize(ctx context.Context, f Flags) error {
	return with(f, func(p *pipeline.Pipeline) error {
		done, err := p.Resize(ctx)
		printDeployment(os.Stdout, done)
		return err
	})
}

// DBRestore replaces the data by a backup.
func DBRestore(ctx context.Context, f Flags, file string) error {
	return with(f, func(p *pipeline.Pipeline) error {
		done, err := p.Restore(ctx, file)
		printDeployment(os.Stdout, done)
		return err
	})
}

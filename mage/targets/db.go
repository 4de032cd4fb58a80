package targets

import (
	"context"
	"fmt"
	"os"
	"time"

	"todo-chatbot/mage/pipeline"
)

// DBBackup saves the database to a file and prints its path.
func DBBackup(ctx context.Context, env, to *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		target := ""
		if to != nil {
			target = *to
		}
		path, err := p.Backup(ctx, target)
		if err == nil {
			fmt.Fprintln(os.Stdout, path)
		}
		return err
	})
}

// DBList prints the backups, the newest first: place, name, bytes, time and
// what its checksum says.
func DBList(ctx context.Context, env *string) error {
	return with(flags{env: env}, func(p *pipeline.Pipeline) error {
		all, err := p.Backups(ctx)
		for _, b := range all {
			fmt.Fprintf(os.Stdout, "%s %s %d %s %s\n", b.Place, b.Name, b.Size, b.Time.Format(time.RFC3339), b.Sum)
		}
		return err
	})
}

// DBResize gives the database a volume of the size that the values say.
func DBResize(ctx context.Context, env *string, yes *bool) error {
	return with(flags{env: env, yes: yes}, func(p *pipeline.Pipeline) error {
		done, err := p.Resize(ctx)
		printDeployment(os.Stdout, done)
		return err
	})
}

// DBRestore puts a backup in the place of the database.
func DBRestore(ctx context.Context, file string, env *string, yes *bool) error {
	return with(flags{env: env, yes: yes}, func(p *pipeline.Pipeline) error {
		done, err := p.Restore(ctx, file)
		printDeployment(os.Stdout, done)
		return err
	})
}

/* A command of Asterisk's, "realtime multi FAMILY COLUMN VALUE ...", which queries several
 * rows. Only the tests use it. Asterisk loads no module that is not under its license: this
 * file, and no other one, may be used under the GNU General Public License, version 2. */

#include <asterisk.h>
#include <asterisk/cli.h>
#include <asterisk/config.h>
#include <asterisk/module.h>

static char *multi(struct ast_cli_entry *e, int cmd, struct ast_cli_args *a)
{
	struct ast_variable *conditions = NULL, *column;
	struct ast_category *row = NULL;
	struct ast_config *rows;
	int i;

	switch (cmd) {
	case CLI_INIT:
		e->command = "realtime multi";
		e->usage = "Usage: realtime multi FAMILY COLUMN VALUE ...\n";
		return NULL;
	case CLI_GENERATE:
		return NULL;
	}
	if (a->argc < 5 || a->argc % 2 == 0) {
		return CLI_SHOWUSAGE;
	}
	for (i = 3; i < a->argc; i += 2) {
		ast_variable_list_append(&conditions, ast_variable_new(a->argv[i], a->argv[i + 1], ""));
	}
	rows = ast_load_realtime_multientry_fields(a->argv[2], conditions);
	ast_variables_destroy(conditions);
	while (rows && (row = ast_category_browse_filtered(rows, NULL, row, NULL))) {
		ast_cli(a->fd, "row %s\n", ast_category_get_name(row));
		for (column = ast_category_first(row); column; column = column->next) {
			ast_cli(a->fd, "%s %s\n", column->name, column->value);
		}
	}
	ast_config_destroy(rows);
	return CLI_SUCCESS;
}

static struct ast_cli_entry commands[] = {
	AST_CLI_DEFINE(multi, "Queries several rows"),
};

static int load_module(void)
{
	ast_cli_register_multiple(commands, ARRAY_LEN(commands));
	return AST_MODULE_LOAD_SUCCESS;
}

static int unload_module(void)
{
	ast_cli_unregister_multiple(commands, ARRAY_LEN(commands));
	return 0;
}

AST_MODULE_INFO_STANDARD(ASTERISK_GPL_KEY, "realtime multi");

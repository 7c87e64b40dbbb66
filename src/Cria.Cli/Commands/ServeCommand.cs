using System.CommandLine;
using System.Text.RegularExpressions;
using Cria.Server;

namespace Cria.Cli.Commands;

/// <summary>`cria serve`: models over HTTP, with OpenAI's API and a web chat.</summary>
static partial class ServeCommand
{
    public const string Name = "serve";

    public static Command Create()
    {
        var host = new Option<string>("--host") { Description = "The address to listen on; 0.0.0.0 lets other machines in", DefaultValueFactory = _ => "127.0.0.1" }.NotEmpty();
        var port = new Option<int>("--port") { Description = "The port; 0 takes a free one", DefaultValueFactory = _ => 8080 }.Bounded(0, ushort.MaxValue);
        var keys = new Option<string?>("--api-key-file") { Description = "A file with one API key a line, or sha256: and its hash; a name for the log may follow" }.NotEmpty();
        var rate = new Option<int?>("--rate-limit") { Description = "Requests a minute for each key, or for each address without keys" }.Bounded(1, int.MaxValue);
        var queue = new Option<int>("--max-queue") { Description = "Answers that may wait; more are refused with status 429", DefaultValueFactory = _ => 128 }.Bounded(0, int.MaxValue);
        var parallel = new Option<int>("--parallel") { Description = "Answers that are written at once", DefaultValueFactory = _ => 64 }.Bounded(1, 1024);
        var body = new Option<int>("--max-body") { Description = "Megabytes of a request's body", DefaultValueFactory = _ => 32 }.Bounded(1, 1024);
        var remote = new Option<bool>("--remote-images") { Description = "Fetch images that requests give by address, from the public Internet only" };
        var timeout = new Option<int>("--timeout") { Description = "Seconds that a request may take, waiting included", DefaultValueFactory = _ => 3600 }.Bounded(1, int.MaxValue / 1000);
        var drain = new Option<int>("--drain") { Description = "Seconds that running requests may go on after SIGTERM", DefaultValueFactory = _ => 30 }.Bounded(0, int.MaxValue / 1000);
        var lora = new Option<string[]>("--lora") { Description = "A LoRA adapter by a name that requests call it: NAME=DIR, or NAME@MODEL=DIR for another model than the first; may be repeated" };
        lora.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => Adapter().Match(t.Value) is not { Success: true }))
                r.AddError("--lora is not NAME=DIR or NAME@MODEL=DIR");
        });
        var idle = new Option<int?>("--unload-after") { Description = "Seconds after which a model that nobody uses is let go (default: never)" }.Bounded(1, int.MaxValue / 1000);
        var context = new Option<int?>("--context") { Description = "Tokens that a prompt and its answer may have together (default: as many as the model can)" }.Bounded(1, int.MaxValue);
        var cors = new Option<string[]>("--cors") { Description = "An origin whose pages may use the server, or *; may be repeated" };
        var log = new Option<string>("--log") { Description = "How log lines are written, on standard error: text, json or off", DefaultValueFactory = _ => "text" };
        log.AcceptOnlyFromAmong("text", "json", "off");
        var texts = new Option<bool>("--log-texts") { Description = "Log what is asked and answered, too" };
        var command = new Command(Name, "Serves models over HTTP: OpenAI's API, and a web chat at /.") { host, port, lora, idle, context, keys, rate, queue, parallel, body, remote, timeout, drain, cors, log, texts };
        var run = new ModelOptionsBinder(command, "Models, parted by commas: directories, files, names of `cria models`, or \"pocket\"; the first is the default");
        var speculation = new SpeculationBinder(command);
        command.SetAction(async (r, cancellation) =>
        {
            var (kind, draft) = speculation.Read(r);
            await using var server = await CriaServer.StartAsync(new()
            {
                Models = run.Names(r),
                Client = new() { Model = run.Options(r), Speculation = kind, Draft = draft, Generator = new() { MaxConversations = r.GetValue(parallel) } },
                Adapters = Adapters(r.GetValue(lora) ?? []),
                UnloadAfter = r.GetValue(idle) is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
                MaxContext = r.GetValue(context),
                Host = r.GetValue(host)!,
                Port = r.GetValue(port),
                ApiKeyFile = r.GetValue(keys),
                RequestsPerMinute = r.GetValue(rate),
                MaxQueue = r.GetValue(queue),
                MaxBodyBytes = (long)r.GetValue(body) << 20,
                RemoteImages = r.GetValue(remote),
                Timeout = TimeSpan.FromSeconds(r.GetValue(timeout)),
                Drain = TimeSpan.FromSeconds(r.GetValue(drain)),
                CorsOrigins = r.GetValue(cors) ?? [],
                Log = Enum.Parse<LogFormat>(r.GetValue(log)!, ignoreCase: true),
                LogTexts = r.GetValue(texts),
            }, cancellation);
            Console.Out.WriteLine($"listening on {server.Url}");
            await server.WaitAsync(CancellationToken.None);
            return 0;
        });
        return command;
    }

    static Dictionary<string, (string, string?)> Adapters(string[] given)
    {
        var adapters = new Dictionary<string, (string, string?)>();
        foreach (var parts in given.Select(g => Adapter().Match(g).Groups))
            if (!adapters.TryAdd(parts["name"].Value, (parts["path"].Value, parts["model"].Success ? parts["model"].Value : null)))
                throw new CriaException($"two adapters are called {parts["name"].Value}");
        return adapters;
    }

    [GeneratedRegex("^(?<name>[^@=]+)(@(?<model>[^=]+))?=(?<path>.+)$")]
    private static partial Regex Adapter();
}

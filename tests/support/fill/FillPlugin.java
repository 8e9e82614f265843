package fill;

import java.util.Collection;
import java.util.List;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.elasticsearch.Build;
import org.elasticsearch.client.internal.node.NodeClient;
import org.elasticsearch.cluster.metadata.IndexNameExpressionResolver;
import org.elasticsearch.cluster.node.DiscoveryNodes;
import org.elasticsearch.common.io.stream.NamedWriteableRegistry;
import org.elasticsearch.common.settings.ClusterSettings;
import org.elasticsearch.common.settings.IndexScopedSettings;
import org.elasticsearch.common.settings.Setting;
import org.elasticsearch.common.settings.Setting.Property;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.common.settings.SettingsFilter;
import org.elasticsearch.features.NodeFeature;
import org.elasticsearch.plugins.ActionPlugin;
import org.elasticsearch.plugins.Plugin;
import org.elasticsearch.rest.BaseRestHandler;
import org.elasticsearch.rest.RestController;
import org.elasticsearch.rest.RestHandler;
import org.elasticsearch.rest.RestRequest;
import org.elasticsearch.rest.RestResponse;
import org.elasticsearch.rest.RestStatus;
import org.elasticsearch.xcontent.XContentBuilder;
import org.elasticsearch.xcontent.XContentFactory;

/**
 * What the bare distributions of Elasticsearch 8 and 9 lack: GET and HEAD of /, by which clients learn the version, and the
 * settings that a template with a life cycle has (accepted here, without effect).
 */
public class FillPlugin extends Plugin implements ActionPlugin {
    @Override
    public List<Setting<?>> getSettings() {
        return List.of(
            Setting.simpleString("index.lifecycle.name", Property.Dynamic, Property.IndexScope),
            Setting.simpleString("index.lifecycle.rollover_alias", Property.Dynamic, Property.IndexScope)
        );
    }

    @Override
    public Collection<RestHandler> getRestHandlers(ARGUMENTS) {
        return List.of(new Root());
    }

    static class Root extends BaseRestHandler {
        @Override
        public String getName() {
            return "fill_root";
        }

        @Override
        public List<Route> routes() {
            return List.of(new Route(RestRequest.Method.GET, "/"), new Route(RestRequest.Method.HEAD, "/"));
        }

        @Override
        protected RestChannelConsumer prepareRequest(RestRequest request, NodeClient client) {
            return channel -> {
                XContentBuilder builder = XContentFactory.jsonBuilder();
                builder.startObject().field("name", client.settings().get("node.name", "?"));
                builder.startObject("version").field("number", Build.current().qualifiedVersion());
                builder.field("build_flavor", Build.current().flavor()).endObject();
                builder.field("tagline", "You Know, for Search").endObject();
                channel.sendResponse(new RestResponse(RestStatus.OK, builder));
            };
        }
    }
}
